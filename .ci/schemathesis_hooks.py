"""What `.ci/hostile-input` adds to schemathesis: how it stays logged in whatever it sends, how it comes by things
that are there, and which of its complaints are none."""

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

_bearers = {}  # Who is logged in, with what.
_ended = {}  # Logins that are over, and whose they were.


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
        # It was renumbered, deleted or got another password: sit down at a new one.
        Tablet.number = next(Tablet.numbers)
        table = {"table_number": Tablet.number, "password": TABLE_PASSWORD}
        _post("/admin/tables", table, _bearer("staff"))
    raise RuntimeError(f"no table lets us sit down: {answer.text}")


LOG_IN = {"staff": _log_staff_in, "tablet": _log_tablet_in}


def _takes(scheme):
    # The document says who needs which token; logins need none.
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


# What is made up is seldom there: every other right request asks for what is.
_numbers = itertools.count(1)
_turns = collections.defaultdict(itertools.count)


@schemathesis.hook
def before_call(context, case, kwargs):
    # Requests are made ahead, and one before this one may have ended the login.
    if who := _ended.get((case.headers or {}).get("Authorization")):
        case.headers["Authorization"] = _bearer(who)
    name = _name(case)
    if name in ("admin_update_user", "admin_delete_user") and str(case.path_parameters.get("user_id")) == str(_own_id()):
        # Not the account everybody logs in with.
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


def _another_account(case):
    account = {"username": f"hostile-{next(_numbers)}", "password": "1234", "role": "staff"}
    made = _post("/admin/users", account, _bearer("staff"))
    if made.ok:
        case.path_parameters = {**case.path_parameters, "user_id": made.json()["id"]}


def _the_password(case):
    case.body = {**case.body, "current_password": ADMIN["password"]}


def _all_categories(case):
    if categories := _get("/admin/categories", _bearer("staff")).get("categories"):
        case.body = {**case.body, "ids": [category["id"] for category in categories][::-1]}


def _all_menus_of_a_category(case):
    if menus := _get("/admin/menus", _bearer("staff")).get("menus"):
        category = menus[-1]["category_id"]
        ids = [menu["id"] for menu in menus if menu["category_id"] == category]
        case.body = {**case.body, "category_id": category, "ids": ids[::-1]}


def _a_dish(case):
    if dishes := _get("/customer/menu", _bearer("tablet")).get("menus"):
        lines = [{**line, "menu_id": dishes[0]["id"]} for line in case.body["items"]]
        # A made-up last moment has passed, or is too far ahead.
        case.body = {**case.body, "items": lines, "not_after": None}


def _an_order(case):
    if orders := _get("/admin/orders", _bearer("staff")).get("orders"):
        case.path_parameters = {**case.path_parameters, "order_id": orders[0]["id"]}


def _the_tablets_own(parameter):
    def put(case):
        if Tablet.login:
            case.path_parameters = {**case.path_parameters, parameter: Tablet.login[parameter]}

    return put


def _a_stay_that_started(case):
    # The last one was completed like this, perhaps: begin another.
    _ended[_bearer("tablet")] = "tablet"
    del _bearers["tablet"]
    if dishes := _get("/customer/menu", _bearer("tablet")).get("menus"):
        _post("/customer/orders", {"items": [{"menu_id": dishes[0]["id"], "quantity": 1}]}, _bearer("tablet"))
        _the_tablets_own("table_id")(case)


WITH_WHAT_IS_THERE = {
    "admin_reorder_categories": _all_categories,
    "admin_reorder_menus": _all_menus_of_a_category,
    "admin_change_password": _the_password,
    "customer_create_order": _a_dish,
    "admin_get_order": _an_order,
    "admin_update_order_status": _an_order,
    "admin_delete_order": _an_order,
    "admin_complete_table": _a_stay_that_started,
    "admin_get_user": _another_account,
    "admin_update_user": _another_account,
    "admin_delete_user": _another_account,
    "admin_show_history": _the_tablets_own("table_id"),
    "admin_list_session_orders": _the_tablets_own("session_id"),
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
        # The calling token goes on; with it the password everybody logs in with comes back.
        change = {"current_password": case.body["new_password"], "new_password": ADMIN["password"]}
        _post("/admin/auth/password", change, sent).raise_for_status()
    if name == "admin_issue_stream_ticket" and method == "POST" and status == 200:
        _tickets.add(response.json()["ticket"])
    phase = case.meta.phase.name.value if case.meta else "?"
    _counts[phase, case.operation.label][f"{method} {status} {code}".strip()] += 1


@schemathesis.hook
def map_body(context, body):
    # To JSON Schema 1.0 is an integer; to the contract it is not, and a 422.
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


# What no schema can say: `ids` must be the store's, the current password the current one, the last moment within a day.
UNSPEAKABLE = {
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
            # A cursor is good only if the server gave it.
            return "cursor" not in (case.query or {})
        case "IgnoredAuth", 200 if operation == "admin_stream_store":
            # It learns tickets from answers: such a one opens the stream, that is what it is for.
            return (case.query or {}).get("ticket") not in _tickets
        case "AcceptedNegativeData", 200 if operation == "admin_show_history":
            # An empty date is none: a form that was not filled in sends one.
            return "" not in [(case.query or {}).get(day) for day in ("date_from", "date_to")]
    return True


@atexit.register
def report():
    if path := os.environ.get("HOSTILE_COUNTS"):
        with open(path, "a") as file:
            for (phase, operation), answers in sorted(_counts.items()):
                file.write(json.dumps({"phase": phase, "operation": operation, **answers}) + "\n")
