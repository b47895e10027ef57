"""Single messages by paramiko's transport, which is kept from acting on the answers."""

import threading

import paramiko
from paramiko.common import cMSG_CHANNEL_OPEN, cMSG_GLOBAL_REQUEST, cMSG_SERVICE_REQUEST, cMSG_USERAUTH_REQUEST

from scenario import PASSWORD, PORT, USER, Unknown, main

SERVICE_ACCEPT, UNIMPLEMENTED, DISCONNECT, FAILURE, SUCCESS = 6, 3, 1, 82, 81


class Transport(paramiko.Transport):
    """Notes what comes after the key exchange."""

    def __init__(self):
        super().__init__(("127.0.0.1", PORT))
        self.seen, self.news = [], threading.Condition()
        read = self.packetizer.read_message

        def read_message():
            try:
                number, message = read()
            except Exception:
                self.note("end", b"")
                raise
            self.note("end" if number == DISCONNECT else number, message.asbytes())
            return number, message

        self.packetizer.read_message = read_message
        self.prepare()
        self.start_client(timeout=10)

    def prepare(self):
        """Called before anything is said."""

    def note(self, number, data):
        with self.news:
            self.seen.append((number, data))
            self.news.notify()

    def say(self, *parts):
        message = paramiko.Message()
        message.add_byte(parts[0])
        for part in parts[1:]:
            add = {bool: message.add_boolean, int: message.add_int}.get(type(part), message.add_string)
            add(part)
        self._send_message(message)

    def expect(self, wanted, count=1):
        def come():
            return [data for number, data in self.seen if number == wanted]

        with self.news:
            assert self.news.wait_for(lambda: len(come()) >= count, 8), (wanted, [number for number, _ in self.seen])
            return come()


def logged_in():
    t = Transport()
    t.auth_password(USER, PASSWORD)
    return t


def run(kind, detail):
    if kind == "repeated-service-request":
        t = Transport()
        for _ in range(3):
            t.say(cMSG_SERVICE_REQUEST, "ssh-userauth")
        assert len(t.expect(SERVICE_ACCEPT, 3)) == 3
    elif kind == "unknown-message-before-login":
        t = Transport()
        t.say(bytes([int(detail)]), "x")
        assert len(t.expect(UNIMPLEMENTED)) == 1
        t.auth_password(USER, PASSWORD)
    elif kind == "unknown-message":
        t = logged_in()
        t.say(bytes([int(detail)]), "x")
        assert len(t.expect(UNIMPLEMENTED)) == 1
        paramiko.SFTPClient.from_transport(t).listdir(".")
    elif kind == "channel-before-login":
        t = Transport()
        t.say(cMSG_CHANNEL_OPEN, "session", 0, 1 << 20, 1 << 15)
        t.expect("end")
        assert not [number for number, _ in t.seen if number in (91, 92)]
    elif kind == "global-request-before-login":
        t = Transport()
        t.say(cMSG_GLOBAL_REQUEST, "keepalive@openssh.com", True)
        t.expect("end")
    elif kind == "keepalive":
        t = logged_in()
        for _ in range(3):
            t.say(cMSG_GLOBAL_REQUEST, "keepalive@openssh.com", True)
        assert len(t.expect(FAILURE, 3)) == 3
        paramiko.SFTPClient.from_transport(t).listdir(".")
    elif kind == "forwarding-refused":
        t = logged_in()
        t.say(cMSG_GLOBAL_REQUEST, "tcpip-forward", True, "127.0.0.1", 0)
        t.expect(FAILURE)
    elif kind == "no-more-sessions":
        t = logged_in()
        s = paramiko.SFTPClient.from_transport(t)
        t.say(cMSG_GLOBAL_REQUEST, "no-more-sessions@openssh.com", True)
        t.expect(SUCCESS)
        s.listdir(".")
        t.say(cMSG_CHANNEL_OPEN, "session", 100, 1 << 20, 1 << 15)
        t.expect("end")
    elif kind == "login-after-login":
        # RFC 4252 section 5.3: silently ignored.
        t = logged_in()
        t.say(cMSG_USERAUTH_REQUEST, "nobody", "ssh-connection", "none")
        paramiko.SFTPClient.from_transport(t).listdir(".")
        assert not [number for number, _ in t.seen if number == 51]
    else:
        raise Unknown


if __name__ == "__main__":
    main(run)
