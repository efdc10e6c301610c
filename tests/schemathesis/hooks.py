"""What schemathesis does not know of the API: which role an operation needs, and that it is to be told how many cases there were."""

import itertools
import os
import re
import threading

import schemathesis

ROLES = ["viewer", "operator", "admin"]
# Who asks: one of these, "open" for a daemon without keys, "stranger" for nobody that a daemon with keys knows.
CALLER = os.environ["STROWGER_CALLER"]
CASES = os.environ["STROWGER_CASES"]
# The id of its key.
OWN_KEY = os.environ.get("STROWGER_OWN_KEY")
TURNS = itertools.count()
LOCK = threading.Lock()


def needed(operation):
    """The role that the description asks for; none if it is for everybody."""
    described = operation.definition.raw.get("description", "")
    found = re.search(r"Needs a key of the role (\w+)", described)
    return found and found.group(1)


def is_let_in(operation):
    role = needed(operation)
    if role is None or CALLER == "open":
        return True
    return CALLER in ROLES and ROLES.index(CALLER) >= ROLES.index(role)


@schemathesis.hook
def before_call(context, case, kwargs):
    """What would keep the rest from being tried."""
    # Whoever asks finds its own key in the list, and would remove it: what comes after would be asked by nobody.
    if OWN_KEY and (case.path_parameters or {}).get("id") == OWN_KEY:
        case.path_parameters["id"] = "0" * 16
    # A made-up condition holds for nothing, and the body is not looked at: most cases go without.
    if next(TURNS) % 4:
        for name in [name for name in case.headers or {} if name.lower() in ("if-match", "if-none-match")]:
            del case.headers[name]


@schemathesis.check
def what_is_sound_is_read(ctx, response, case):
    """A cursor can only be had from a page: one that is made up is refused, as nothing else is that the document allows."""
    if response.status_code == 400 and case.meta and case.meta.generation.mode.is_positive:
        field = response.json().get("field")
        assert field == "cursor", f"{case.operation.label} can't read `{field}`, which is as the document has it"


@schemathesis.check
def roles_hold(ctx, response, case):
    """Who may not is told so, and nothing else; a case is counted here, since every answer comes by."""
    with LOCK, open(CASES, "a", encoding="utf-8") as cases:
        cases.write(f"{case.operation.label}\t{response.status_code}\n")
    open_paths = not case.operation.path.startswith("/v1/")
    assert needed(case.operation) or open_paths, f"{case.operation.label} does not tell which role it needs"
    # A check of schemathesis may have sent another Authorization, or none.
    if not is_let_in(case.operation) and 200 <= response.status_code < 400:
        raise AssertionError(f"{CALLER} got {response.status_code} from {case.operation.label}, which needs {needed(case.operation)}")
