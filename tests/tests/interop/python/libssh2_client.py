"""libssh2 by ssh2-python, whose wheel brings its own."""

import socket

from ssh2 import session, sftp
from ssh2.exceptions import AuthenticationError, MethodNotSupported

from scenario import PASSWORD, PORT, USER, Unknown, main, read

LISTS = {
    "kex": (session.LIBSSH2_METHOD_KEX,),
    "cipher": (session.LIBSSH2_METHOD_CRYPT_CS, session.LIBSSH2_METHOD_CRYPT_SC),
    "mac": (session.LIBSSH2_METHOD_MAC_CS, session.LIBSSH2_METHOD_MAC_SC),
    "host-key": (session.LIBSSH2_METHOD_HOSTKEY,),
}
CREATE = sftp.LIBSSH2_FXF_CREAT | sftp.LIBSSH2_FXF_WRITE | sftp.LIBSSH2_FXF_TRUNC


def connect(kind=None, name=None):
    s = session.Session()
    if kind == "compression":
        s.flag(session.LIBSSH2_FLAG_COMPRESS)
    elif kind:
        chosen = {method: name for method in LISTS[kind]}
        if kind == "mac":
            chosen.update({method: "aes128-ctr" for method in LISTS["cipher"]})
        for method, value in chosen.items():
            if value not in s.supported_algs(method):
                raise Unknown
            s.method_pref(method, value)
    s.handshake(socket.create_connection(("127.0.0.1", PORT)))
    for method in LISTS.get(kind, ()):
        # AEAD ciphers have no MAC.
        assert s.methods(method) == name, s.methods(method)
    return s


def key(s, name):
    s.userauth_publickey_fromfile(USER, "keys/" + name)


def refused(call, *args):
    try:
        call(*args)
    except AuthenticationError:
        return
    raise AssertionError("%r was let in" % (args,))


def put(channel, name, data):
    with channel.open(name, CREATE, 0o600) as file:
        # It sends several requests before it waits for the first answer.
        file.write(data)


def get(channel, name):
    with channel.open(name, sftp.LIBSSH2_FXF_READ, 0) as file:
        return b"".join(part for size, part in file)


def check(s):
    channel, data = s.sftp_init(), read("data")
    put(channel, "remote", data)
    with channel.opendir(".") as directory:
        assert b"remote" in [name for _, name, _ in directory.readdir()], "the file is not listed"
    assert get(channel, "remote") == data, "the file came back changed"
    s.disconnect()


def channels():
    """Ten sessions of one connection, whose transfers take turns."""
    s = connect()
    s.userauth_password(USER, PASSWORD)
    data = read("data")
    all = [s.sftp_init() for _ in range(10)]
    files = [channel.open("c%d" % number, CREATE, 0o600) for number, channel in enumerate(all)]
    for at in range(0, len(data), 1 << 17):
        for number, file in enumerate(files):
            file.write(bytes([number]) + data[at + 1 : at + (1 << 17)])
    for number, file in enumerate(files):
        file.close()
        back = get(all[number], "c%d" % number)
        for at in range(0, len(data), 1 << 17):
            assert back[at : at + (1 << 17)] == bytes([number]) + data[at + 1 : at + (1 << 17)], number
    s.disconnect()


def run(kind, detail):
    if kind == "channels":
        return channels()
    s = connect(kind if kind in LISTS or kind == "compression" else None, detail)
    if kind in LISTS or kind in ("password", "compression"):
        s.userauth_password(USER, PASSWORD)
    elif kind == "key":
        key(s, detail)
    elif kind == "second-key":
        refused(key, s, "other-" + detail)
        key(s, detail)
    elif kind == "password-after-key":
        refused(key, s, "other-" + detail)
        s.userauth_password(USER, PASSWORD)
    elif kind == "keyboard-interactive":
        s.userauth_keyboardinteractive(USER, PASSWORD)
    elif kind == "second-password":
        refused(s.userauth_password, USER, "wrong")
        refused(s.userauth_keyboardinteractive, USER, "wrong")
        s.userauth_password(USER, PASSWORD)
    else:
        raise Unknown
    check(s)


if __name__ == "__main__":
    main(run)
