import pytest

from core.clock import FrozenClock
from core.database import Database
from core.settings import Settings
from sso.directory.organisations import Kind, Level, Organisation, Organisations
from sso.directory.users import Users
from vault.keys.sealing import Sealer
from vault.ledger import Ledger
from vault.rows import SignedRows

# Towns stand under a county, villages under a town.
COUNTY = Organisation("qx", "清溪县", Kind.AREA, Level.COUNTY, "330999000000")
TOWN = Organisation("qx-xt", "溪头镇", Kind.AREA, Level.TOWN, "330999100000", parent="qx", order=1)
OFFICE = Organisation("qx-xt-dz", "党政办", Kind.OFFICE, Level.TOWN, None, parent="qx-xt", order=1)
VILLAGE = Organisation("qx-xt-lx", "柳溪村", Kind.UNIT, Level.VILLAGE, "330999100201", parent="qx-xt", order=2)


@pytest.fixture
def organisations(clock: FrozenClock, rows: SignedRows) -> Organisations:
    return Organisations(clock, rows)


@pytest.fixture
def users(clock: FrozenClock, settings: Settings, ledger: Ledger, sealer: Sealer, rows: SignedRows) -> Users:
    return Users(clock, settings.local_time, ledger, sealer, rows)


@pytest.fixture
async def tree(database: Database, organisations: Organisations) -> None:
    async with database.write() as connection:
        for organisation in (COUNTY, TOWN, OFFICE, VILLAGE):
            await organisations.upsert(connection, organisation, actor="operator:test")
