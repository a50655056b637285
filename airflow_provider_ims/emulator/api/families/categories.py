"""The categories of media assets. The categories of each product form a tree."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.errors import ApiError, invalid
from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.kinds import Family, ResourceKind, number
from airflow_provider_ims.emulator.api.families.listing import page_of
from airflow_provider_ims.emulator.api.families.shapes import documented
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import ICE, VOD, Fields, Product
from airflow_provider_ims.emulator.state.resources import Resource

ROOT = "-1"
MAX_LEVEL = 2
"""The maximum level of a category. Categories without a parent have level 0."""


def _categories(jobs: Jobs, product: Product) -> Collection:
    return Collection(CATEGORIES[product], jobs)


def category_name(jobs: Jobs, product: Product, category_id: object) -> str | None:
    """Return the name of a category; None if there is no such category."""
    category = _categories(jobs, product).get(str(category_id))
    return None if category is None else str(category.fields["CateName"])


def _level(product: Product, jobs: Jobs, fields: Fields) -> Fields:
    if str(fields["ParentId"]) == ROOT:
        return {"Level": 0}
    parent = _categories(jobs, product).get(str(fields["ParentId"]))
    if parent is None:
        raise ApiError("ResourceNotFound")
    level = int(parent.fields["Level"]) + 1
    if level > MAX_LEVEL:
        raise invalid("ParentId", f"Categories have up to {MAX_LEVEL + 1} levels.")
    return {"Level": level}


def _children(categories: Collection, parent: str) -> list[Resource]:
    return [one for one in categories.all() if str(one.fields["ParentId"]) == parent]


def get_categories(product: Product, jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return a category and a page of its subcategories; without ``CateId``, a page of the top-level categories."""
    categories = _categories(jobs, product)
    category_id = parameters.get("CateId", ROOT)
    category = categories.get(category_id)
    if category is None and category_id != ROOT:
        raise ApiError("ResourceNotFound")
    wanted = parameters.get("Type")
    below = [one for one in _children(categories, category_id) if wanted in (None, one.fields["Type"])]
    if "desc" in parameters.get("SortBy", "").lower():
        below.reverse()
    items, page = page_of(below, documented(product, "GetCategories"), parameters)
    shown = [{**one.fields, "SubTotal": len(_children(categories, one.id))} for one in items]
    return {**page, "Category": category and category.fields, "SubCategories": {"Category": shown}}


def delete_category(product: Product, jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Delete a category and all of its subcategories."""
    categories = _categories(jobs, product)
    pending = [categories.named("DeleteCategory", parameters)]
    while pending:
        category = pending.pop()
        pending += _children(categories, category.id)
        categories.delete(category)
    return {}


def _kind(product: Product) -> ResourceKind:
    return ResourceKind(
        "category",
        product,
        id="CateId",
        new_id=number,
        create="AddCategory",
        update="UpdateCategory",
        other={
            "GetCategories": lambda jobs, parameters: get_categories(product, jobs, parameters),
            "DeleteCategory": lambda jobs, parameters: delete_category(product, jobs, parameters),
        },
        initial={"ParentId": ROOT, "Type": "default"},
        prepare=lambda jobs, fields: _level(product, jobs, fields),
    )


CATEGORIES = {product: _kind(product) for product in (ICE, VOD)}
CATEGORY_FAMILIES = tuple(Family(product, "categories", (kind,)) for product, kind in CATEGORIES.items())
