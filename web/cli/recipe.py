"""`yimen recipe …`: check a recipe, try it on the real page, print its schema."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from connectors.errors import ConnectorError
from connectors.legacy.filling.plan import Target
from connectors.legacy.outcome.answer import Outcome
from connectors.legacy.recipe.recipe import Recipe, check_recipe, parse_recipe, recipe_schema
from connectors.trial import LoginPage, look, sign_in_once
from vault.keys.suites import wipe
from web.cli.visiting import Allow, Authority, visiting

app = typer.Typer(no_args_is_help=True, help="Recipes of legacy logins: check, try, schema.")


@app.command()
def check(files: Annotated[list[Path], typer.Argument(help="Recipe files")]) -> None:
    """Say everything that is wrong in these files; exit status 1 when anything is."""
    wrong = 0
    for file in files:
        recipe, problems = check_recipe(_read(file))
        for problem in problems:
            typer.echo(f"{file}: ERR-RECIPE: {problem}", err=True)
        if recipe is None:
            wrong += 1
        else:
            typer.echo(f"{file}: {recipe.id} is well ({recipe.hash[:16]})")
    if wrong:
        raise typer.Exit(1)


@app.command("try")
def try_recipe(
    file: Annotated[Path, typer.Argument(help="The recipe")],
    url: Annotated[str, typer.Argument(help="The address of the login page")],
    login: Annotated[str, typer.Option(help="Sign in once with this user name; the password is asked for")] = "",
    allow: Allow = None,
    authority: Authority = None,
) -> None:
    """Fetch the login page and say what the recipe finds; with --login, sign in once and judge the answer."""
    recipe = parse_recipe(_read(file))
    outcome = asyncio.run(_try(recipe, url, login, allow, authority))
    if outcome is None:
        return
    typer.echo(f"result     {outcome.result}: {outcome.why}")
    if outcome.result != "success":
        raise typer.Exit(1)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a recipe."""
    typer.echo(json.dumps(recipe_schema(), ensure_ascii=False, indent=2))


async def _try(recipe: Recipe, url: str, login: str, allow: list[str] | None, authority: Path | None) -> Outcome | None:
    async with visiting(url, allow, authority) as visitor:
        page = await look(visitor, recipe, url)
        _print_page(recipe, page)
        if not login:
            return None
        password = bytearray(typer.prompt(f"Password of {login}", hide_input=True, err=True).encode())
        try:
            return await sign_in_once(visitor, recipe, page, login, password)
        finally:
            wipe(password)


def _print_page(recipe: Recipe, page: LoginPage) -> None:
    plan = page.plan
    typer.echo(f"page       {page.fetched.url} (HTTP {page.fetched.status})")
    for name, target in (("username", plan.username), ("password", plan.password), ("submit", plan.submit)):
        typer.echo(f"{name:<10} {_place(target)}")
    for target in plan.person:
        typer.echo(f"person     {target.role}: {_place(target)}")
    typer.echo(f"sends      {plan.method or 'by script'} {recipe.request.path or plan.action}")
    typer.echo(f"submits    {'by itself' if plan.submits else 'the person does'}")
    if plan.waits:
        typer.echo("waits      the page's script makes the fields; they are found in the browser")
    for name in recipe.variables:
        typer.echo(f"variable   {name}: {'found' if name in page.variables else 'not found here'}")


def _place(target: Target | None) -> str:
    if target is None:
        return "not found"
    return target.selector or target.placeholder or target.label or target.name


def _read(file: Path) -> str:
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise ConnectorError("ERR-RECIPE", f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConnectorError("ERR-RECIPE", f"{file} is not UTF-8") from None
