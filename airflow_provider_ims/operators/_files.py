"""
Replaces file names in arguments with the contents of the files.

Airflow's ``template_ext`` would also treat nested values and the URLs of objects, such as ``oss://bucket/a.json``, as
file names, so the operators do not set it. They read files only for arguments that contain JSON or text to be spoken.
They check for a file extension before templates are rendered, so a string from an upstream task is never treated as a
file name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_ims._jobs.kinds import kind_of
from airflow_provider_ims._jobs.parameters import Parameter
from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.hooks._actions import Product

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from jinja2 import Environment

    from airflow_provider_ims.operators._submit_operator import SubmitOperator as _Operator
else:
    _Operator = object


def read_files(
    given: Mapping[str, Any], parameters: Mapping[str, Parameter], environment: Environment, field: str = ""
) -> dict[str, str]:
    """
    Read the files whose names are parameter values, and return their contents, keyed by parameter name.

    This function does not render templates in the files: Airflow renders them afterwards.

    :param given: The values of the parameters, by name.
    :param parameters: The parameters, by name.
    :param environment: The Jinja environment of the task. Its loader searches for the files in the DAG's template
        search path.
    :param field: A prefix of the parameter name in error messages, such as ``requests[0].``.
    :raises ImsRequestError: If a file does not exist or cannot be read.
    """
    return {
        name: _read(value, environment, field + name)
        for name, value in given.items()
        if isinstance(value, str) and name in parameters and _names_file(value, parameters[name])
    }


class ReadsParameterFiles(_Operator):
    """Mixin for the operators whose ``parameters`` or ``requests`` contain parameters with API names as keys."""

    job: str
    product: Product

    def read_files(self, context: Context, environment: Environment) -> None:
        """Replace each parameter that is the name of a file with the file's contents."""
        kind = kind_of(self.render_template(self.job, context, environment), self.product)
        parameters = {one.name: one for one in kind.parameters}

        def replaced(given: Any, field: str) -> Any:
            if isinstance(given, list):
                return [replaced(one, f"{field}[{index}]") for index, one in enumerate(given)]
            if isinstance(given, Mapping):
                return {**given, **read_files(given, parameters, environment, f"{field}.")}
            return given

        for argument in {"parameters", "requests"} & vars(self).keys():
            setattr(self, argument, replaced(getattr(self, argument), argument))


def _names_file(value: str, parameter: Parameter) -> bool:
    return value.endswith(parameter.file_extensions) and "://" not in value


def _read(name: str, environment: Environment, field: str) -> str:
    # Imported lazily: Airflow imports jinja2 only to render templates.
    from jinja2 import TemplateNotFound

    loader = environment.loader
    problem = "files are searched for in the DAG's template search path, but the task has no DAG"
    if loader is not None:
        try:
            return loader.get_source(environment, name)[0]
        except TemplateNotFound:
            folders = ", ".join(getattr(loader, "searchpath", ()))
            problem = f"searched in the DAG's template search path: {folders}"
        except (OSError, UnicodeDecodeError) as error:
            raise ImsRequestError(f"{field}: file {name!r} cannot be read: {error}", field=field) from error
    if not name.endswith(".json"):
        problem += ". To send this string instead of a file, wrap it in Airflow's literal()"
    raise ImsRequestError(f"{field}: file {name!r} not found; {problem}", field=field)
