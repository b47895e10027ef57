"""Lets schemathesis know which valid bodies may be refused: those that break a rule no schema can say.

Takes the place of its check `positive_data_acceptance`.
"""

import schemathesis

RULES_BEYOND_THE_SCHEMA = (
    "public_keys: key number",
    "password: a password or at least one public key is needed",
    "username: is already taken",
    "config_name: there is no ",
    "totp_config: ",
    "totp_config.",
    "path: ",
    "target: ",
)


@schemathesis.check
def valid_bodies_are_accepted(ctx, response, case):
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return
    error = response.json()["error"]
    assert error.startswith(RULES_BEYOND_THE_SCHEMA), f"refused, but allowed by the contract: {error}"
