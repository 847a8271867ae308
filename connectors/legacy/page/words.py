"""The words by which Chinese and English login pages name their fields and buttons (facts: legacy logins).

`LABELS` are read by people: labels, placeholders, titles. `IDENTIFIERS` are read by programs: name, id, v-model; they
are matched in lower case, with every run of other characters turned into one space and camelCase split.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

LABELS: Mapping[str, re.Pattern[str]] = {
    role: re.compile(pattern, re.IGNORECASE)
    for role, pattern in {
        "pin": r"\bpin\s*码|\bpin\b|u盾|ukey|证书(密码|口令|pin)",
        "otp": r"(短信|手机|动态|邮箱|邮件|谷歌|身份验证器|二次|令牌)\s*(验证|校验|动态|确认)?\s*(码|口令|密码|令牌)"
        r"|动态(口令|令牌)|令牌码|一次性|sms\s*code|one.?time|\botp\b|\btotp\b|authenticator|(text|phone"
        r"|email)\s*code",
        "captcha": r"验证码|校验码|附加码|识别码|图形码|随机码|认证码|检验码|看不清|验\s*证\s*码|captcha"
        r"|(verification|security|check|image|auth)\s*code|characters (in|from) the (image|picture)",
        "password": r"密\s*码|口\s*令|密碼|pass\s*word|pass\s*code|passwd|\bpwd\b",
        "strong_tenant": r"租户|tenant|企业(号|编码|代码|id)|(机构|单位|组织|区划|公司|账套)(代码|编码|编号|号"
        r"|名称?)",
        "username": r"用户(名|账号|帐号|编号|代码|id)?|账\s*[号户]|帐\s*[号户]|登[录陆]\s*(名|账号|帐号|id)"
        r"|工\s*号|警\s*号|学\s*号"
        r"|员工(编)?号|职工号|手机(号|号码)?|电话号码|身份证(号|号码)?|证件号|邮\s*箱|姓\s*名|统一社会信用代码"
        r"|用\s*户\s*名"
        r"|user\s*(name|id)?\b|account|login\s*(name|id)?\b|e-?mail|mobile|phone|employee|staff",
        "tenant": r"单位|机构|区划|区域|部门|科室|组织|所属|行政区|地区|乡镇|街道|角色|身份|年度|账套|选择系统"
        r"|organi[sz]ation|department|company|domain|region|role",
        "search": r"搜\s*索|检\s*索|查\s*询|站内|关键[字词]|search|keyword",
        "remember": r"记住|记忆|保存(密码|登录)|自动登[录陆]|免登[录陆]|下次|天内|remember|keep me|stay signed"
        r"|auto\s*log",
    }.items()
}

IDENTIFIERS: Mapping[str, re.Pattern[str]] = {
    role: re.compile(pattern)
    for role, pattern in {
        "pin": r"\bpin\b|ukey|usbkey|certpin",
        "otp": r"\bsms|smscode|sms ?(code|captcha)|phone ?code|mobile ?code|\botp\b|totp|one ?time|\bmfa\b"
        r"|dynamic ?(code|pwd|pass)"
        r"|token ?code|dx ?yzm|sjyzm|google ?code|two ?factor",
        "captcha": r"captcha|kaptcha|yzm|\bvcode\b|v code|verify|valid(ate)? ?code|valid ?num|check ?code"
        r"|check ?num|auth ?code"
        r"|\brand ?(code|om)?\b|img ?code|image ?code|sec ?code|safe ?code|identify ?code|^code$|\bcode ?(img"
        r"|input)\b"
        r"|form code$|\byanzheng",
        "password": r"password|passwd|passwrd|\bpass\b|user ?pass\b|pwd|\bpsw|\bpasw|\bmm\b|^mm|mima|kouling"
        r"|\bkl\b|cipher",
        "strong_tenant": r"tenant|org ?(code|id|no|name)|corp ?(code|id)|company ?(code|id)|unit ?(code|id)"
        r"|dwdm|qhdm|xzqh",
        "username": r"user|usr|\buname|\bu name|account|accout|acct|\bacc\b|login|logon|loginid|login ?(name|id"
        r"|no)|yhm|yhdm|yonghu"
        r"|zhanghao|\bzh\b|\bczy|gonghao|\bgh\b|e ?mail|mobile|phone|sjh|sfz|id ?card|\bemp(no|loyee)|staff"
        r"|operator|\buid\b"
        r"|j username|\bname$|admin",
        "tenant": r"\borg|dept|department|company|\bcorp|domain|region|area|\brole|\bunit|group|year|\bdw\b"
        r"|\bbm\b|system ?id",
        "search": r"search|query|keyword|^q$|^s$|^kw$|^wd$|\bkey ?word",
        "remember": r"remember|auto ?login|keep|save ?(pwd|pass|password|user)|rmb|cookie|isauto",
    }.items()
}

# Programs that send a password often call it so; on a page it is some other secret.
_SECRET = re.compile(r"\bsecret\b|\bcredential$")

# A password that is being set, not given: registration, change, reset.
SETTING = re.compile(
    r"确认|再次|重复|再输|新\s*密码|旧\s*密码|原\s*密码|当前密码|初始密码|设置密码"
    r"|confirm|repeat|\bagain\b|retype|re-?enter|\bnew\b|\bold\b|\borig",
    re.IGNORECASE,
)
SETTING_IDENTIFIER = re.compile(
    r"confirm|repeat|again|retype|\bre ?(pwd|pass|password)|\bnew|\bold|orig|qrmm|xmm|ymm|(pwd|pass|password"
    r"|passwd|psw|mm) ?2$"
)

LOGIN = re.compile(r"登\s*[录陆入錄]|进\s*入|log\s*[io]n|sign\s*in|^\s*go\s*$", re.IGNORECASE)
LOGIN_EXACT = re.compile(
    r"(立即|马上|用户|安全|账号|密码|点击|系统|确认|账号密码)?登[录陆入錄](系统|平台)?|登录/进入|进入(系统"
    r"|平台)?|login|logon|signin|logonin",
    re.IGNORECASE,
)
LOGIN_IDENTIFIER = re.compile(r"log ?in|log ?on|sign ?in|denglu|\bdl\b|do ?login|authenticate|j security|submit")
LOGIN_ADDRESS = re.compile(r"log[-_]?[io]n|sign[-_]?in|denglu|passport|\bsso\b|\bcas\b|auth|/dl\b", re.IGNORECASE)
# The last part of an address that is a login page, and a name that only may be a part of one.
LOGIN_PAGE = re.compile(
    r"/(to|go|user|admin|sys|main|index|re)?[-_]?(log[-_]?[io]n|sign[-_]?in|denglu)[-_]?(page|form|view|index"
    r"|do)?(\.\w+)?/?$"
    r"|/log[-_]?[io]n/(index|page|form)(\.\w+)?$",
    re.IGNORECASE,
)
LOGIN_NAME = re.compile(r"log[-_]?[io]n|sign[-_]?in|denglu", re.IGNORECASE)
CHANGE_ADDRESS = re.compile(
    r"(change|modify|update|reset|edit|init|first|set|alter|xg|forget|expired?)[-_/]?(user)?[-_]?(pwd|pass|mm|psw)"
    r"|(pwd|pass(word)?|psw)[-_/]?(change|modify|update|reset|edit|expired?|overdue)|xiugaimima|mustchange",
    re.IGNORECASE,
)
REGISTER = re.compile(r"注\s*册|开户|sign\s*up|register|create (an )?account|join now", re.IGNORECASE)
REGISTER_IDENTIFIER = re.compile(r"regist|sign ?up|zhuce|reg$|\breg\b|enrol")
CHANGE = re.compile(
    r"修改|重置|找回|更改|变更|提交修改|保存|reset|change password|update password|save|recover", re.IGNORECASE
)
CHANGE_IDENTIFIER = re.compile(
    r"reset|forgot|find ?(pwd|pass)|recover|(change|modify|update|edit|alter) ?(user )?(pwd|pass|psw|mm)|(pwd"
    r"|pass(word)?) ?(change|modify)"
)
SECONDARY = re.compile(
    r"忘\s*记|找回|重\s*置|清\s*空|取\s*消|注\s*册|短信登|验证码登|扫码|二维码|微信|钉钉|证书登|ca\s*登|下\s*载"
    r"|帮\s*助|返\s*回|切换|刷新|换一"
    r"|forgot|reset|cancel|clear|register|sign\s*up|qr\s*code|wechat|help|download|back",
    re.IGNORECASE,
)
SENDS_CODE = re.compile(r"(获取|发送|免费获取|点击获取|重新(获取|发送))|send|get\s*(the\s*)?code", re.IGNORECASE)
CAPTCHA_IMAGE = re.compile(
    r"captcha|kaptcha|verify|valid|check ?code|rand|yzm|vcode|auth ?code|img ?code|code ?img|image ?code"
    r"|sec ?code|\bcode\b|验证码|看不清|换一张"
)
SLIDER = re.compile(
    r"slide(r)? ?(verify|captcha|code|check|box|unlock|container|block|valid)|(verify|captcha|drag) ?(slide"
    r"|slider|bar|box|move)|\bdrag ?(bg|text|verify)"
    r"|geetest|\bnc ?container|tcaptcha|block ?puzzle|click ?word|aj ?captcha|yidun"
)
SLIDER_TEXT = re.compile(
    r"(拖动|按住|滑动|向右).{0,6}滑块|滑动验证|拖动.{0,8}(拼图|验证)|点击(按钮)?(进行|完成)验证|依次点击"
)


def names_password(name: str) -> bool:
    """Whether the name of a field, or the end of a JSON pointer, speaks of a password."""
    last = identifier(name.rsplit("/", 1)[-1])
    return IDENTIFIERS["password"].search(last) is not None or _SECRET.search(last) is not None


def names_user(name: str) -> bool:
    """Whether the name of a field, or the end of a JSON pointer, speaks of who the person is."""
    return IDENTIFIERS["username"].search(identifier(name.rsplit("/", 1)[-1])) is not None


@lru_cache(maxsize=4096)
def identifier(text: str) -> str:
    """`txtUserName` → `txt user name`, `login_form.pwd2` → `login form pwd2`."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    return " ".join(re.split(r"[^a-z0-9一-鿿]+", split.lower())).strip()
