"""Hooks for `.ci/hostile-input`: they keep the clients logged in, put existing ids into requests, and drop failures that
are expected."""

import atexit
import collections
import functools
import itertools
import json
import os

import requests
import schemathesis

API = os.environ["HOSTILE_URL"] + "/api/v1"
ADMIN = {"store_id": "demo-store", "username": "admin", "password": "admin1234"}
TABLE_PASSWORD = "1234"

_bearers = {}  # The current Authorization header of each role.
_ended = {}  # Ended logins, with their role.


def _post(path, body, bearer=""):
    return requests.post(API + path, json=body, headers={"Authorization": bearer}, timeout=30)


def _get(path, bearer):
    answer = requests.get(API + path, headers={"Authorization": bearer}, timeout=30)
    return answer.json() if answer.ok else {}


def _bearer(who):
    if who not in _bearers:
        _bearers[who] = "Bearer " + LOG_IN[who]()["token"]
    return _bearers[who]


def _log_staff_in():
    answer = _post("/admin/auth/login", ADMIN)
    answer.raise_for_status()
    return answer.json()


class Tablet:
    numbers = itertools.count(90_001)
    number = next(numbers)
    login = {}


def _log_tablet_in():
    for _ in range(10):
        body = {"store_id": ADMIN["store_id"], "table_number": Tablet.number, "password": TABLE_PASSWORD}
        answer = _post("/customer/auth/login", body)
        if answer.ok:
            Tablet.login = answer.json()
            return Tablet.login
        if answer.status_code != 401:
            break
        # The table was renumbered, deleted or got another password: use a new table.
        Tablet.number = next(Tablet.numbers)
        table = {"table_number": Tablet.number, "password": TABLE_PASSWORD}
        _post("/admin/tables", table, _bearer("staff"))
    raise RuntimeError(f"no table accepts the login: {answer.text}")


LOG_IN = {"staff": _log_staff_in, "tablet": _log_tablet_in}


def _takes(scheme):
    # The document lists the token of each operation; logins need none.
    def needs(context):
        return any(scheme in one for one in context.operation.definition.raw.get("security", []))

    return needs


@schemathesis.auth(refresh_interval=None).apply_to(_takes("admin_token"))
class Staff:
    def get(self, case, context):
        return _bearer("staff")

    def set(self, case, bearer, context):
        case.headers["Authorization"] = bearer


@schemathesis.auth(refresh_interval=None).apply_to(_takes("table_token"))
class Guest:
    def get(self, case, context):
        return _bearer("tablet")

    set = Staff.set


# Generated ids seldom exist, so every other valid request gets an existing one.
_numbers = itertools.count(1)
_turns = collections.defaultdict(itertools.count)


@schemathesis.hook
def before_call(context, case, kwargs):
    # Requests are generated ahead, and an earlier request may have ended the login.
    if who := _ended.get((case.headers or {}).get("Authorization")):
        case.headers["Authorization"] = _bearer(who)
    name = _name(case)
    if name in ("admin_update_user", "admin_delete_user") and str(case.path_parameters.get("user_id")) == str(_own_id()):
        # Do not change or delete the user that the hooks log in with.
        case.path_parameters = {**case.path_parameters, "user_id": 1_000_000}
    if name not in WITH_WHAT_IS_THERE or not case.meta or not case.meta.generation.mode.is_positive:
        return
    if next(_turns[name]) % 2 == 0:
        WITH_WHAT_IS_THERE[name](case)


def _name(case):
    return case.operation.definition.raw["operationId"]


@functools.cache
def _own_id():
    return _get("/admin/auth/me", _bearer("staff"))["id"]


def _another_user(case):
    account = {"username": f"hostile-{next(_numbers)}", "password": "1234", "role": "staff"}
    made = _post("/admin/users", account, _bearer("staff"))
    if made.ok:
        case.path_parameters = {**case.path_parameters, "user_id": made.json()["id"]}


def _current_password(case):
    case.body = {**case.body, "current_password": ADMIN["password"]}


def _all_categories(case):
    if categories := _get("/admin/categories", _bearer("staff")).get("categories"):
        case.body = {**case.body, "ids": [category["id"] for category in categories][::-1]}


def _all_items_of_a_category(case):
    if menus := _get("/admin/menus", _bearer("staff")).get("menus"):
        category = menus[-1]["category_id"]
        ids = [menu["id"] for menu in menus if menu["category_id"] == category]
        case.body = {**case.body, "category_id": category, "ids": ids[::-1]}


def _existing_item(case):
    if items := _get("/customer/menu", _bearer("tablet")).get("menus"):
        lines = [{**line, "menu_id": items[0]["id"]} for line in case.body["items"]]
        # A generated deadline has passed or is too far ahead, and a generated session is not the tablet's.
        case.body = {**case.body, "items": lines, "not_after": None, "session_id": None}


def _existing_order(case):
    if orders := _get("/admin/orders", _bearer("staff")).get("orders"):
        case.path_parameters = {**case.path_parameters, "order_id": orders[0]["id"]}


def _tablet_id(parameter):
    def put(case):
        if Tablet.login:
            case.path_parameters = {**case.path_parameters, parameter: Tablet.login[parameter]}

    return put


def _started_session(case):
    # An earlier request may have completed the session: start a new one.
    _ended[_bearer("tablet")] = "tablet"
    del _bearers["tablet"]
    if items := _get("/customer/menu", _bearer("tablet")).get("menus"):
        _post("/customer/orders", {"items": [{"menu_id": items[0]["id"], "quantity": 1}]}, _bearer("tablet"))
        _tablet_id("table_id")(case)


WITH_WHAT_IS_THERE = {
    "admin_reorder_categories": _all_categories,
    "admin_reorder_menus": _all_items_of_a_category,
    "admin_change_password": _current_password,
    "customer_create_order": _existing_item,
    "admin_get_order": _existing_order,
    "admin_update_order_status": _existing_order,
    "admin_delete_order": _existing_order,
    "admin_complete_table": _started_session,
    "admin_get_user": _another_user,
    "admin_update_user": _another_user,
    "admin_delete_user": _another_user,
    "admin_show_history": _tablet_id("table_id"),
    "admin_list_session_orders": _tablet_id("session_id"),
}

_counts = collections.defaultdict(collections.Counter)
_tickets = set()


@schemathesis.hook
def after_call(context, case, response):
    method, name, status = response.request.method, _name(case), response.status_code
    code = response.json()["error"]["code"] if status in (401, 409) else ""
    sent = response.request.headers.get("Authorization")
    for who, bearer in list(_bearers.items()):
        is_over = status == 401 or (name == "admin_logout" and status == 200)
        if sent == bearer and (is_over or (who == "tablet" and code == "SESSION_ENDED")):
            _ended[_bearers.pop(who)] = who
    if name == "admin_change_password" and method == "POST" and status == 200:
        # The calling token stays valid. Use it to set the old password again, which all logins use.
        change = {"current_password": case.body["new_password"], "new_password": ADMIN["password"]}
        _post("/admin/auth/password", change, sent).raise_for_status()
    if name == "admin_issue_stream_ticket" and method == "POST" and status == 200:
        _tickets.add(response.json()["ticket"])
    phase = case.meta.phase.name.value if case.meta else "?"
    _counts[phase, case.operation.label][f"{method} {status} {code}".strip()] += 1


@schemathesis.hook
def map_body(context, body):
    # JSON Schema accepts 1.0 as an integer; the API answers 422.
    return _whole(body)


def _whole(value):
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _whole(item) for key, item in value.items()}
        case list():
            return [_whole(item) for item in value]
    return value


# Rules that a schema cannot express: `ids` must be the store's, the current password correct, the deadline within a day,
# the time zone known.
UNSPEAKABLE = {
    "create_setup_store": {"store.time_zone"},
    "customer_create_order": {"not_after"},
    "admin_reorder_categories": {"ids"},
    "admin_reorder_menus": {"ids"},
    "admin_change_password": {"current_password"},
}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    operation = _name(case)
    match type(failure).__name__, response.status_code:
        case "RejectedPositiveData", 422:
            fields = {detail["field"] for detail in response.json()["error"]["details"]}
            return not fields <= UNSPEAKABLE.get(operation, set())
        case "RejectedPositiveData", 400:
            # A cursor is valid only if the server issued it.
            return "cursor" not in (case.query or {})
        case "IgnoredAuth", 200 if operation == "admin_stream_store":
            # Schemathesis reuses tickets from responses. A valid ticket opens the stream without a token, as intended.
            return (case.query or {}).get("ticket") not in _tickets
        case "AcceptedNegativeData", 200 if operation == "admin_show_history":
            # An empty date counts as no date: forms send one for an empty field.
            return "" not in [(case.query or {}).get(day) for day in ("date_from", "date_to")]
    return True


@atexit.register
def report():
    if path := os.environ.get("HOSTILE_COUNTS"):
        with open(path, "a") as file:
            for (phase, operation), answers in sorted(_counts.items()):
                file.write(json.dumps({"phase": phase, "operation": operation, **answers}) + "\n")
