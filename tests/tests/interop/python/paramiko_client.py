"""paramiko, from 1.16 on."""

import importlib.util

if importlib.util.find_spec("Crypto"):
    import old_names  # noqa: F401

import paramiko

from scenario import PASSWORD, PORT, USER, Unknown, assert_same, main

KEYS = {
    "ed25519": getattr(paramiko, "Ed25519Key", None),
    "ecdsa": paramiko.ECDSAKey,
    "rsa": paramiko.RSAKey,
}
LISTS = {"kex": "_kex_info", "cipher": "_cipher_info", "mac": "_mac_info", "host-key": "_key_info"}
PREFERENCES = {"kex": "kex", "cipher": "ciphers", "mac": "macs", "host-key": "keys"}


def key(name):
    kind = KEYS[name.split("-")[-1]]
    if kind is None:
        raise Unknown
    return kind.from_private_key_file("keys/" + name)


def transport(kind=None, name=None):
    """A transport after its key exchange, with one algorithm of a kind."""
    t = paramiko.Transport(("127.0.0.1", PORT))
    if kind == "compression":
        t.use_compression()
    elif kind:
        if name not in getattr(t, LISTS[kind]):
            raise Unknown
        setattr(t, "_preferred_" + PREFERENCES[kind], (name,))
        if kind == "mac":
            # Others have a MAC of their own, so that none is agreed on.
            t._preferred_ciphers = ("aes128-ctr",)
    t.start_client()
    return t


def check(t, local="data"):
    """A transfer both ways and a listing, and the end of the connection."""
    s = paramiko.SFTPClient.from_transport(t)
    s.put(local, "remote")
    assert "remote" in s.listdir(".")
    s.get("remote", "back")
    assert_same(local, "back")
    s.close()
    t.close()


def refused(call, *args):
    try:
        call(*args)
    except paramiko.AuthenticationException:
        return
    raise AssertionError("%r was let in" % (args,))


def run(kind, detail):
    if kind in LISTS or kind == "compression":
        t = transport(kind, detail)
        t.auth_password(USER, PASSWORD)
        check(t)
    elif kind == "password":
        t = transport()
        t.auth_password(USER, PASSWORD)
        check(t)
    elif kind == "key":
        t = transport()
        t.auth_publickey(USER, key(detail))
        check(t)
    elif kind == "keyboard-interactive":
        t = transport()
        t.auth_interactive(USER, lambda title, text, asked: [PASSWORD for _ in asked])
        check(t)
    elif kind == "second-password":
        t = transport()
        refused(t.auth_password, USER, "wrong", None, False)
        refused(t.auth_interactive, USER, lambda title, text, asked: ["wrong" for _ in asked])
        t.auth_password(USER, PASSWORD)
        check(t)
    elif kind == "second-key":
        t = transport()
        refused(t.auth_publickey, USER, key("other-" + detail))
        t.auth_publickey(USER, key(detail))
        check(t)
    elif kind == "password-after-key":
        # As everything that is built on paramiko connects.
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(
            "127.0.0.1", PORT, USER, PASSWORD, pkey=key("other-" + detail),
            allow_agent=False, look_for_keys=False
        )
        check(client.get_transport())
    elif kind == "rekey":
        t = transport()
        exchanges = []
        send_kex_init = t._send_kex_init
        t._send_kex_init = lambda: exchanges.append(1) or send_kex_init()
        t.packetizer.REKEY_BYTES = 1 << 20
        # How much it takes between its wish and the exchange: more than the packets that the server has sent by then.
        t.packetizer.REKEY_BYTES_OVERFLOW_MAX = t.packetizer.REKEY_PACKETS_OVERFLOW_MAX = 1 << 30
        t.auth_password(USER, PASSWORD)
        check(t, "big")
        assert len(exchanges) > 30, len(exchanges)
    else:
        raise Unknown


if __name__ == "__main__":
    main(run)
