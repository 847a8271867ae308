"""Who lives in the demo county: its organisations, and the people whose sign-ins `yimen demo` prints."""

from dataclasses import dataclass

from demo.legacy import people as legacy_people

COUNTY = "qx"
TOWN = "qx-xitou"
VILLAGE = "qx-xitou-yunxi"

# id, name, kind, level, division code, parent
ORGANISATIONS = (
    (COUNTY, "清溪县", "area", "xian", "330999000000", None),
    ("qx-sj", "县数据局", "unit", "xian", None, COUNTY),
    ("qx-mz", "县民政局", "unit", "xian", None, COUNTY),
    ("qx-wh", "县文化和广电旅游体育局", "unit", "xian", None, COUNTY),
    ("qx-ga", "县公安局", "unit", "xian", None, COUNTY),
    ("qx-jj", "县住房和城乡建设局", "unit", "xian", None, COUNTY),
    ("qx-zf", "县委政法委", "unit", "xian", None, COUNTY),
    ("qx-nn", "县农业农村局", "unit", "xian", None, COUNTY),
    ("qx-da", "县档案馆", "unit", "xian", None, COUNTY),
    (TOWN, "溪头镇", "area", "zhen", "330999100000", COUNTY),
    (VILLAGE, "云溪村", "unit", "cun", "330999100201", TOWN),
)


@dataclass(frozen=True)
class Person:
    """`legacy` is what the legacy systems know of the same person."""

    username: str
    name: str
    role: str
    organisation: str
    title: str
    says: str
    legacy: legacy_people.Person | None = None


CADRE = Person("wangxw", legacy_people.CADRE.name, "cadre", VILLAGE, "网格员", "村干部", legacy_people.CADRE)
STEWARD = Person(
    "chengq", legacy_people.STEWARD.name, "steward", "qx-mz", "信息科科长", "部门管家", legacy_people.STEWARD
)
PEOPLE = (
    CADRE,
    STEWARD,
    Person("liming", "李明", "system_admin", "qx-sj", "系统管理员", "系统管理员"),
    Person("zhouan", "周安", "security_admin", "qx-sj", "安全管理员", "安全管理员"),
    Person("shenji", "沈纪", "audit_admin", "qx-sj", "审计管理员", "审计管理员"),
)
