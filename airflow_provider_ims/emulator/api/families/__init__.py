"""The families of actions that manage resources, such as media assets and templates. Jobs are in the parent package."""
