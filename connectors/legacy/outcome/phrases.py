"""How legacy systems say how a sign-in went, in Chinese and English (facts: legacy logins, failure dictionary)."""

import re

# A warning about what may happen is no verdict: "连续输错5次将被锁定".
_NOT_A_WARNING = r"(?<![将会])(?<!则)(?<!导致)"

WRONG_CAPTCHA = re.compile(
    r"(验证码|校验码|附加码|图形码|动态码|短信码)[^。<;；]{0,8}(错误|不正确|有误|失效|过期|不匹配|不一致|为空|失败)"
    r"|(错误|无效|不正确)的?(验证码|校验码)"
    r"|(captcha|verification code|verify code|check code|kaptcha)[^.<]{0,24}(wrong|invalid|incorrect|error"
    r"|expired|mismatch|fail)"
    r"|(wrong|invalid|incorrect) (captcha|verification code|verify code)",
    re.IGNORECASE,
)
MISSING_CAPTCHA = re.compile(
    r"请(先)?(完成|输入|填写|拖动)[^。<]{0,6}(验证码|校验码|滑块|验证)"
    r"|captcha (is )?required",
    re.IGNORECASE,
)
LOCKED = re.compile(
    rf"(账号|帐号|账户|帐户|用户|您)[^。,,;；<]{{0,10}}(已|已经|已被|被){_NOT_A_WARNING}(锁定|冻结|停用|禁用"
    rf"|封停|封禁|注销|锁住)"
    rf"|(已|已经|已被){_NOT_A_WARNING}(临时)?(锁定|冻结|停用|禁用|封停)|(账号|帐号|账户|帐户|用户)(临时)?(锁定"
    rf"|冻结|禁用)(?!定)"
    r"|(密码|登[录陆])(输入)?(错误|失败)次数(过多|超过|已达|达到|超限)|(尝试|登[录陆])次数(过多|太多|超过)"
    r"|请(在)?\s*\d+\s*(分钟|小时)(之)?后再?(重试|再试|登[录陆])"
    r"|account[^.<]{0,24}(is |has been |was |temporarily )(locked|disabled|suspended|blocked)"
    r"|too many (failed )?(login )?(attempts|logins|tries)",
    re.IGNORECASE,
)
EXPIRED = re.compile(
    r"密码(已经?|已被|已超)?(过期|到期|失效)(?!时间|提醒)|(密码)(过于简单|强度不(够|足)|不符合(安全"
    r"|复杂))[^。<]{0,20}(修改|更改|重置)?"
    r"|请(先|及时|立即)?(修改|更改|变更)(您的)?(初始|默认|登[录陆])?密码|(首次|第一次)登[录陆][^。<]{0,10}(修改"
    r"|更改)(初始)?密码"
    r"|必须(修改|更改)(初始)?密码|(初始|默认)密码[^。<]{0,8}(修改|更改)|账[号户]已(过期|到期)"
    r"|password (has |is |was )?expired|(must|need to|please) change your (initial |default )?password",
    re.IGNORECASE,
)
REFUSED = re.compile(
    r"(密码|口令|密碼)\s*(输入)?\s*(错误|不正确|不对|有误|不匹配|不符|無效|无效|错(?!误次数))(?!次数)|(错误"
    r"|无效|不正确)的(用户名|账号|密码|口令)"
    r"|(用户名?|账号|帐号|账户|帐户|工号)\s*(或|和|与|及|、|/|,|，)\s*(者)?(登录)?(密码|口令)[^。<]{0,6}(错"
    r"|不正确|不对|有误|不匹配|无效)"
    r"|(用户名?|账号|帐号|账户|帐户|工号|手机号)[^。,，<]{0,4}(不存在|错误|不正确|有误|无效|未注册|尚未注册)"
    r"|(没有|无)此用户|查无此(人|用户)"
    r"|(登[录陆]|认证|鉴权|(身份|用户|口令|密码)(验证|校验))(失败|不成功)(?!次数)|还(剩|有)\s*\d+\s*次机会"
    r"|(密码|口令)[^。,，<]{0,8}(不匹配|不一致|不正确|有误)|credentials do not match"
    r"|(incorrect|invalid|wrong|bad)\s[^.<]{0,24}(password|credential|username|user name|login|account)"
    r"|(password|credentials?|username|login)[^.<]{0,16}(is |are |was |were )?(incorrect|invalid|wrong"
    r"|not correct|not match|failed)"
    r"|(unable|failed) to (log|sign) ?in"
    r"|authentication (failed|failure)|login (failed|failure|error)|bad credentials|unknown user|user not found"
    r"|no such user",
    re.IGNORECASE,
)
KICKED_OUT = re.compile(
    r"(已|在)(在)?其(他|它)(地方|地点|设备|终端)登[录陆]|被迫(退出|下线)|已经?在线|重复登[录陆]|already logged in",
    re.IGNORECASE,
)
SUCCEEDED = re.compile(
    r"登[录陆]成功|(认证|验证|校验)成功|^\s*(操作|处理|请求)?成功[!！.。]?\s*$|log(ged)?[ -]?in success"
    r"|^\s*(success|succeed(ed)?|ok)\s*$",
    re.IGNORECASE,
)
SIGNED_IN = re.compile(
    r"退\s*出(登[录陆]|系统|账号)?|注\s*销(登[录陆]|用户)?|安全退出|修改密码|欢迎(您|你|回来|[,，:：]\s*\S)"
    r"|当前用户|个人中心|工作台"
    r"|log\s*out|sign\s*out|logoff|log\s*off|welcome(,| back)|dashboard|my account",
    re.IGNORECASE,
)
LOGIN_AGAIN = re.compile(
    r"(登[录陆]|会话|session)[^。<]{0,6}(失效|超时|过期|timeout|expired)|请(重新|先)登[录陆]|未登[录陆]"
    r"|not logged in|please log ?in",
    re.IGNORECASE,
)
ERROR_QUERY = re.compile(
    r"(^|[&?/;_.-])(error|err|fail(ed|ure)?|invalid|wrong|denied|bad[_-]?cred)(?!(or)?=(0|false|no|none|null)?(&|#|$))",
    re.IGNORECASE,
)
