"""The watch over recipes, which say where a password goes: one that was changed, planted, deleted or put back is found
by Yimen itself, although it is refused where it is used anyway."""

from connectors.errors import ConnectorError
from connectors.legacy.recipe.store import TAMPERED_RECIPE, Recipes
from connectors.systems import Systems
from core.database import Database
from vault.errors import VaultError
from vault.ledger import Ledger


class RecipeWatch:
    def __init__(self, database: Database, ledger: Ledger, systems: Systems, recipes: Recipes) -> None:
        self._database = database
        self._ledger = ledger
        self._systems = systems
        self._recipes = recipes

    async def run(self) -> None:
        """Looks at every recipe, and records what is wrong (`vault.tamper`), once."""
        for subject, why in (await self.findings()).items():
            await self._ledger.tell(subject, why, reason=TAMPERED_RECIPE)

    async def findings(self) -> dict[str, str]:
        """What is wrong, by `recipe:<id>`."""
        found: dict[str, str] = {}
        async with self._database.scan() as connection:
            used = await self._systems.recipes_used(connection)
            for recipe_id in sorted({*used, *await self._recipes.ids(connection)}):
                try:
                    await self._recipes.find(connection, recipe_id, at_least=used.get(recipe_id, 0))
                except (ConnectorError, VaultError) as error:
                    found[f"recipe:{recipe_id}"] = error.detail
        return found
