"""The actions that manage resources, such as media assets. The parent package contains the actions for jobs."""
