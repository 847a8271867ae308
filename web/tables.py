"""Importing this module declares every table of the product on `core.database.metadata`."""

import importlib
import pkgutil

import connectors
import core
import sso
import vault
import web.favourites

for _floor in (core, vault, sso, connectors):
    for _module in pkgutil.walk_packages(_floor.__path__, f"{_floor.__name__}."):
        importlib.import_module(_module.name)

FAVOURITES = web.favourites.favourite_table
