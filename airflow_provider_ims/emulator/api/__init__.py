"""The emulated APIs of IMS, VOD and SMQ: the actions, the job kinds, the parameter checks, and the responses."""
