"""All pages that people see. `page_routes` is what the application mounts; the protocol's routes use the rest."""

from starlette.routing import Route

from web.pages.accounts import account_routes
from web.pages.activity import activity_routes
from web.pages.administration import administration_routes
from web.pages.answers import error_page, form_post_page, logout_page, signed_out_page
from web.pages.audit import audit_routes
from web.pages.captures import capture_routes
from web.pages.consent import consent_routes
from web.pages.credentials import credential_routes
from web.pages.failures import exception_handlers
from web.pages.login_requests import login_request_routes
from web.pages.permissions import permission_routes
from web.pages.portal import portal_routes
from web.pages.preferences import preference_routes
from web.pages.reveal import reveal_routes
from web.pages.sessions import session_routes
from web.pages.sign_in import sign_in_routes
from web.pages.surface import Surface
from web.static_files import static_routes

__all__ = ["error_page", "exception_handlers", "form_post_page", "logout_page", "page_routes", "signed_out_page"]


def page_routes(surface: Surface) -> list[Route]:
    return [
        *static_routes(),
        *preference_routes(surface),
        *sign_in_routes(surface),
        *credential_routes(surface),
        *consent_routes(surface),
        *portal_routes(surface),
        *account_routes(surface),
        *capture_routes(surface),
        *reveal_routes(surface),
        *session_routes(surface),
        *permission_routes(surface),
        *activity_routes(surface),
        *audit_routes(surface),
        *administration_routes(surface),
        *login_request_routes(surface),
    ]
