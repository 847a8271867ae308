"""How legacy systems say how a sign-in went, in Chinese and English (facts: legacy logins, failure dictionary)."""

from dataclasses import dataclass

from connectors.legacy.patterns import Match, Pattern

_FOLLOWING = 12
_MOST = 50


@dataclass(frozen=True)
class Phrase:
    """What a text says, unless the finding holds `without`, or `before` follows it: a warning about what may happen is
    no verdict ("连续输错5次将被锁定", "密码错误次数"). Both are for what RE2 cannot say in the expression itself.
    """

    expression: Pattern
    without: Pattern | None = None
    before: Pattern | None = None

    def search(self, text: str) -> Match | None:
        return next((one for one in self.expression.all(text, _MOST) if self._counts(one, text)), None)

    def _counts(self, match: Match, text: str) -> bool:
        if self.without is not None and self.without.search(match[0]):
            return False
        end = match.end()
        return self.before is None or self.before.match(text[end : end + _FOLLOWING]) is None


def _phrase(expression: str, *, without: str = "", before: str = "") -> Phrase:
    return Phrase(
        Pattern(f"(?i){expression}"),
        Pattern(f"(?i){without}") if without else None,
        Pattern(f"(?i){before}") if before else None,
    )


WRONG_CAPTCHA = _phrase(
    r"(?:验证码|校验码|附加码|图形码|动态码|短信码)[^。<;；]{0,8}(?:错误|不正确|有误|失效|过期|不匹配|不一致|为空|失败)"
    r"|(?:错误|无效|不正确)的?(?:验证码|校验码)"
    r"|(?:captcha|verification code|verify code|check code|kaptcha|security code)[^.<]{0,24}"
    r"(?:wrong|invalid|incorrect|error|expired|mismatch|fail|did not match)"
    r"|(?:wrong|invalid|incorrect) (?:captcha|verification code|verify code|security code)"
)
MISSING_CAPTCHA = _phrase(
    r"请(?:先)?(?:完成|输入|填写|拖动)[^。<]{0,6}(?:验证码|校验码|滑块|验证)|captcha (?:is )?required"
)
LOCKED = _phrase(
    r"(?:账号|帐号|账户|帐户|用户|您)[^。,,;；<]{0,10}(?:已被|已经|已|被)(?:锁定|冻结|停用|禁用|封停|封禁|注销|锁住)"
    r"|(?:已被|已经|已)(?:临时)?(?:锁定|冻结|停用|禁用|封停)|(?:账号|帐号|账户|帐户|用户)(?:临时)?(?:锁定|冻结|禁用)"
    r"|(?:密码|登[录陆])(?:输入)?(?:错误|失败)次数(?:过多|超过|已达|达到|超限)|(?:尝试|登[录陆])次数(?:过多|太多|超过)"
    r"|请(?:在)?\s*\d+\s*(?:分钟|小时)(?:之)?后再?(?:重试|再试|登[录陆])"
    r"|(?:账号|帐号|账户|用户)[^。,,<]{0,4}未(?:启用|激活|审核)"
    r"|(?:account|user)[^.<]{0,24}(?:is |has been |was |temporarily |been )(?:now )?"
    r"(?:locked|disabled|suspended|blocked|deactivated)"
    r"|account (?:is )?(?:inactive|locked|disabled)"
    r"|too many (?:failed |login |unsuccessful |authentication )*(?:attempts|logins|tries)",
    without=r"将|会被|否则|导致|(?:will|may) be",
    before=r"定",
)
EXPIRED = _phrase(
    r"密码(?:已经?|已被|已超)?(?:过期|到期|失效)|密码(?:过于简单|强度(?:不够|不足)|不符合(?:安全|复杂))[^。<]{0,20}(?:修改|更改|重置)?"
    r"|请(?:先|及时|立即)?(?:修改|更改|变更)(?:您的)?(?:初始|默认|登[录陆])?密码"
    r"|(?:首次|第一次)登[录陆][^。<]{0,10}(?:修改|更改)(?:初始)?密码"
    r"|必须(?:修改|更改)(?:初始)?密码|(?:初始|默认)密码[^。<]{0,8}(?:修改|更改)|账[号户]已(?:过期|到期)"
    r"|password (?:has |is |was )?expired|(?:must|need to|please) change your (?:initial |default )?password",
    before=r"时间|提醒",
)
REFUSED = _phrase(
    r"(?:密码|口令|密碼)\s*(?:输入)?\s*(?:错误|不正确|不对|有误|不匹配|不符|無效|无效|错)"
    r"|(?:错误|无效|不正确)的(?:用户名|账号|密码|口令)"
    r"|(?:用户名?|账号|帐号|账户|帐户|工号)\s*(?:或者|或|和|与|及|、|/|,|，)\s*(?:登录)?(?:密码|口令)[^。<]{0,6}"
    r"(?:错|不正确|不对|有误|不匹配|无效)"
    r"|(?:用户名?|登[录陆]名|账号|帐号|账户|帐户|工号|手机号)[^。,，<]{0,4}(?:不存在|错误|不正确|有误|无效|未注册|尚未注册)"
    r"|(?:没有|无)此用户|查无此(?:人|用户)|非法用户"
    r"|(?:登[录陆]|登入|认证|鉴权|(?:身份|用户|口令|密码)(?:验证|校验))(?:失败|不成功|错误)|还(?:剩|有)\s*\d+\s*次机会"
    r"|(?:密码|口令)[^。,，<]{0,8}(?:不匹配|不一致|不正确|有误)|credentials do not match"
    r"|(?:incorrect|invalid|wrong|bad|unknown|illegal)\s[^.<]{0,24}"
    r"(?:password|credential|username|user name|login|account|user\b|e-?mail)"
    r"|(?:password|credentials?|username|user name|login|log-?in)[^.<]{0,24}"
    r"(?:incorrect|invalid|wrong|not correct|not match|not valid|not recogni[sz]ed|failed|failure|unsuccessful"
    r"|did ?n.t match)"
    r"|(?:password|username|email) you (?:have )?entered|enter (?:the|a) correct (?:username|user|email|login|password)"
    r"|(?:unable|failed|could ?n.t|cannot|can ?not|not able)(?: to)? (?:log|sign)(?:ged)?[ -]?(?:in|you in|on)"
    r"|authentication (?:failed|failure|error|unsuccessful)|auth(?:entication)?[ _-]?fail\w*"
    r"|log ?[io]n (?:failed|failure|error|denied)"
    r"|access denied for user|not authori[sz]ed|bad credentials|unknown user|no (?:such|active) (?:user|account)"
    r"|(?:user|account|member)[^.<]{0,12} (?:not found|does ?n.t exist|does not exist|could not be found)"
    r"|did(?: not|n.t) recogni[sz]e",
    before=r"(?:误)?次数|定次数",
)
KICKED_OUT = _phrase(
    r"[已在]在?其[他它](?:地方|地点|设备|终端)登[录陆]|被迫(?:退出|下线)|已经?在线|重复登[录陆]|already logged in"
)
SUCCEEDED = _phrase(
    r"登[录陆]成功|(?:认证|验证|校验)成功|^\s*(?:操作|处理|请求)?成功[!！.。]?\s*$|log(?:ged)?[ -]?in success"
    r"|^\s*(?:success|succeed(?:ed)?|ok|logged in|welcome)[.!]?\s*$",
    before=r"率|后",
)
SIGNED_IN = _phrase(
    r"退\s*出(?:登[录陆]|系统|账号)?|注\s*销(?:登[录陆]|用户)?|安全退出|修改密码|欢迎(?:您|你|回来|[,，:：]\s*\S)"
    r"|当前用户|个人中心|工作台|log\s*out|sign\s*out|logoff|log\s*off|welcome(?:,| back)|dashboard|my account"
)
LOGIN_AGAIN = _phrase(
    r"(?:登[录陆]|会话|session)[^。<]{0,6}(?:失效|超时|过期|timeout|expired)|请(?:重新|先)登[录陆]|未登[录陆]"
    r"|not logged in|please log ?in"
)
# A refusal that has nothing to do with who signs in.
OTHER_REASON = _phrase(
    r"维护|繁忙|超时|异常|稍后|稍候|网络|系统错误|服务器|参数|非法请求|重复提交|过期|未授权访问|版本"
    r"|maintenance|time-?out|timed out|unavailable|internal|later|csrf|xsrf|token|session|busy|network|method not"
    r"|bad request|missing|malformed|unsupported|too large|\brate\b"
)

# A whole short answer that is a verdict, as the page's script asks for it: without quotes, marks and case.
YES = frozenset({"success", "succeed", "succeeded", "succ", "ok", "true", "yes", "y", "成功", "pass", "passed"})
NO = frozenset(
    {
        *(
            "false",
            "fail",
            "fails",
            "failed",
            "failure",
            "error",
            "err",
            "no",
            "n",
            "0",
            "-1",
            "null",
            "none",
            "denied",
        ),
        *("wrong", "incorrect", "invalid", "refused", "rejected", "unauthorized", "forbidden", "not ok", "bad", "nok"),
        *("失败", "错误", "否", "不正确", "无效", "拒绝"),
    }
)
