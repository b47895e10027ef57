"""libssh by its C functions: of the system, or the one that the wheel of ssh-python brings."""

import ctypes
import glob
import os
import sys

from scenario import PASSWORD, PORT, USER, Unknown, main, read

BUNDLED = glob.glob(sys.prefix + "/lib/python3*/site-packages/ssh_python.libs/libssh-*")
if BUNDLED:
    # It finds what lies beside the library.
    import ssh.session  # noqa: F401
LIBSSH = ctypes.CDLL(BUNDLED[0] if BUNDLED else "libssh.so.4")

# `enum ssh_options_e` of libssh.h.
PORT_NUMBER, LOG, COMPRESSION, STRICT_HOST_KEY, PROCESS_CONFIG, REKEY_DATA = 1, 13, 22, 21, 38, 39
HOST, SSH_USER, KEX, HOST_KEYS, CIPHERS, MACS = 0, 4, 24, 25, (15, 16), (29, 30)
LISTS = {"kex": (KEX,), "cipher": CIPHERS, "mac": MACS, "host-key": (HOST_KEYS,)}
# `enum ssh_auth_e`.
SUCCESS, DENIED, ASKED = 0, 1, 3
STEP = 32768

for function in (
    "ssh_new", "sftp_new", "sftp_open", "sftp_opendir", "sftp_readdir", "ssh_get_error"
):
    getattr(LIBSSH, function).restype = ctypes.c_void_p
LIBSSH.sftp_write.restype = LIBSSH.sftp_read.restype = ctypes.c_ssize_t


class Attributes(ctypes.Structure):
    """The beginning of `struct sftp_attributes_struct`."""

    _fields_ = [("name", ctypes.c_char_p)]


class Connection:
    def __init__(self, *options):
        self.session = ctypes.c_void_p(LIBSSH.ssh_new())
        no = ctypes.byref(ctypes.c_int(0))
        self.set(PROCESS_CONFIG, ctypes.byref(ctypes.c_bool(False)))
        self.set(HOST, b"127.0.0.1")
        self.set(PORT_NUMBER, ctypes.byref(ctypes.c_uint(PORT)))
        self.set(SSH_USER, USER.encode())
        self.set(STRICT_HOST_KEY, no)
        for option, value in options:
            if LIBSSH.ssh_options_set(self.session, option, value) != 0:
                # A name that this release does not know.
                raise Unknown
        self.succeeds(LIBSSH.ssh_connect(self.session))

    def set(self, option, value):
        assert LIBSSH.ssh_options_set(self.session, option, value) == 0, option

    def succeeds(self, result):
        assert result == 0, (result, ctypes.string_at(LIBSSH.ssh_get_error(self.session)))

    def made(self, pointer):
        assert pointer, ctypes.string_at(LIBSSH.ssh_get_error(self.session))
        return ctypes.c_void_p(pointer)

    def password(self, password):
        return LIBSSH.ssh_userauth_password(self.session, None, password.encode())

    def interactive(self, answer):
        result = LIBSSH.ssh_userauth_kbdint(self.session, None, None)
        while result == ASKED:
            for number in range(LIBSSH.ssh_userauth_kbdint_getnprompts(self.session)):
                self.succeeds(LIBSSH.ssh_userauth_kbdint_setanswer(self.session, number, answer.encode()))
            result = LIBSSH.ssh_userauth_kbdint(self.session, None, None)
        return result

    def key(self, name):
        key = ctypes.c_void_p()
        self.succeeds(
            LIBSSH.ssh_pki_import_privkey_file(b"keys/" + name.encode(), None, None, None, ctypes.byref(key))
        )
        return LIBSSH.ssh_userauth_publickey(self.session, None, key)

    def logged_in(self, result):
        self.succeeds(result)
        return self

    def check(self, local="data"):
        """A transfer both ways and a listing, and the end of the connection."""
        session, data = Session(self), read(local)
        session.put("remote", data)
        assert b"remote" in session.names(), "the file is not listed"
        assert session.get("remote") == data, "the file came back changed"
        LIBSSH.sftp_free(session.sftp)
        LIBSSH.ssh_disconnect(self.session)
        LIBSSH.ssh_free(self.session)


class Session:
    """An SFTP session, of which a connection can have several."""

    def __init__(self, connection):
        self.connection = connection
        self.sftp = connection.made(LIBSSH.sftp_new(connection.session))
        connection.succeeds(LIBSSH.sftp_init(self.sftp))

    def open(self, name, flags):
        return self.connection.made(LIBSSH.sftp_open(self.sftp, name.encode(), flags, 0o600))

    def put_step(self, file, data):
        assert LIBSSH.sftp_write(file, data, len(data)) == len(data), "not written"

    def put(self, name, data):
        file = self.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for at in range(0, len(data), STEP):
            self.put_step(file, data[at : at + STEP])
        self.connection.succeeds(LIBSSH.sftp_close(file))

    def get(self, name):
        file = self.open(name, os.O_RDONLY)
        buffer, parts = ctypes.create_string_buffer(STEP), []
        while True:
            count = LIBSSH.sftp_read(file, buffer, STEP)
            assert count >= 0, "not read"
            if count == 0:
                break
            parts.append(buffer.raw[:count])
        self.connection.succeeds(LIBSSH.sftp_close(file))
        return b"".join(parts)

    def names(self):
        directory = self.connection.made(LIBSSH.sftp_opendir(self.sftp, b"."))
        names = []
        while True:
            entry = LIBSSH.sftp_readdir(self.sftp, directory)
            if not entry:
                break
            names.append(ctypes.cast(entry, ctypes.POINTER(Attributes)).contents.name)
            LIBSSH.sftp_attributes_free(ctypes.c_void_p(entry))
        self.connection.succeeds(LIBSSH.sftp_closedir(directory))
        return names


def channels():
    """Ten sessions of one connection, whose transfers take turns, while keys are exchanged again."""
    connection = Connection(*REKEYS)
    connection.logged_in(connection.password(PASSWORD))
    data = read("data")
    sessions = [Session(connection) for _ in range(10)]
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [session.open("c%d" % number, flags) for number, session in enumerate(sessions)]
    for at in range(0, len(data), STEP):
        for number, (session, file) in enumerate(zip(sessions, files)):
            session.put_step(file, bytes([number]) + data[at + 1 : at + STEP])
    for number, (session, file) in enumerate(zip(sessions, files)):
        connection.succeeds(LIBSSH.sftp_close(file))
        back = session.get("c%d" % number)
        for at in range(0, len(data), STEP):
            assert back[at : at + STEP] == bytes([number]) + data[at + 1 : at + STEP], number


EXCHANGES = []
REKEYS = [(REKEY_DATA, ctypes.byref(ctypes.c_uint64(1 << 20)))]


@ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
def log(level, function, text, data):
    if b"Received SSH_MSG_NEWKEYS" in text:
        EXCHANGES.append(text)


def counting(run):
    """Runs this, which exchanges keys many times."""
    EXCHANGES.clear()
    LIBSSH.ssh_set_log_callback(log)
    LIBSSH.ssh_set_log_level(3)
    run()
    LIBSSH.ssh_set_log_level(0)
    assert len(EXCHANGES) > 10, len(EXCHANGES)


def run(kind, detail):
    if kind in LISTS:
        options = [(option, detail.encode()) for option in LISTS[kind]]
        if kind == "mac":
            options += [(option, b"aes128-ctr") for option in CIPHERS]
        c = Connection(*options)
        c.logged_in(c.password(PASSWORD)).check()
    elif kind == "compression":
        c = Connection((COMPRESSION, b"zlib@openssh.com"))
        c.logged_in(c.password(PASSWORD)).check()
    elif kind == "password":
        c = Connection()
        c.logged_in(c.password(PASSWORD)).check()
    elif kind == "key":
        c = Connection()
        c.logged_in(c.key(detail)).check()
    elif kind == "second-key":
        c = Connection()
        assert c.key("other-" + detail) == DENIED
        c.logged_in(c.key(detail)).check()
    elif kind == "password-after-key":
        c = Connection()
        assert c.key("other-" + detail) == DENIED
        c.logged_in(c.password(PASSWORD)).check()
    elif kind == "keyboard-interactive":
        c = Connection()
        c.logged_in(c.interactive(PASSWORD)).check()
    elif kind == "second-password":
        c = Connection()
        assert LIBSSH.ssh_userauth_none(c.session, None) == DENIED
        assert c.password("wrong") == DENIED
        assert c.interactive("wrong") == DENIED
        c.logged_in(c.password(PASSWORD)).check()
        c = Connection()
        assert c.interactive("wrong") == DENIED
        c.logged_in(c.interactive(PASSWORD)).check()
    elif kind == "rekey":
        c = Connection(*REKEYS)
        counting(lambda: c.logged_in(c.password(PASSWORD)).check("big"))
    elif kind == "channels":
        counting(channels)
    else:
        raise Unknown


if __name__ == "__main__":
    main(run)
