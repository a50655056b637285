"""The APIs of IMS and VOD: the table of job kinds, the checks of parameters, the responses and the errors."""
