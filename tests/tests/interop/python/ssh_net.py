"""SSH.NET of 2016, of which its order of messages and its lists are played by paramiko's transport.

It sends its KEXINIT as the answer to the server's, asks for the methods by `none`, shows a key before it signs, and goes
through the methods that it was given in their order. A message that it does not wait for is an error to it.
"""

import paramiko
from paramiko.common import cMSG_SERVICE_REQUEST, cMSG_USERAUTH_INFO_RESPONSE, cMSG_USERAUTH_REQUEST

from messages import FAILURE, SERVICE_ACCEPT, Transport
from scenario import PASSWORD, USER, Unknown, main, read

LOGIN_FAILED, LOGGED_IN, KEY_IS_GOOD, QUESTIONS = 51, 52, 60, 60
WINDOW, PACKET = 0x7FFFFFFF, 0x10000


class SshNet(Transport):
    # What the scenario answers itself is not left to paramiko, which would call it unimplemented.
    _handler_table = dict(paramiko.Transport._handler_table)
    _handler_table.update({number: lambda self, message: None for number in (6, 51, 52, 60)})

    def prepare(self):
        self.local_version = "SSH-2.0-Renci.SshNet.SshClient.0.0.1"
        self.waits = True
        self._preferred_kex = (
            "diffie-hellman-group-exchange-sha256",
            "diffie-hellman-group-exchange-sha1",
            "diffie-hellman-group14-sha1",
            "diffie-hellman-group1-sha1",
        )
        self._preferred_ciphers = ("aes256-ctr", "3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc")
        self._preferred_macs = ("hmac-md5", "hmac-sha2-256", "hmac-sha2-256-96", "hmac-sha1")
        self._preferred_keys = ("ssh-rsa", "ssh-dss")

    def _send_kex_init(self):
        if self.waits:
            # Called before the server's has come, and again when it is there.
            self.waits = False
            return
        super()._send_kex_init()

    def begin(self):
        self.say(cMSG_SERVICE_REQUEST, "ssh-userauth")
        self.expect(SERVICE_ACCEPT)
        self.say(cMSG_USERAUTH_REQUEST, USER, "ssh-connection", "none")
        (failure,) = self.expect(LOGIN_FAILED)
        methods = paramiko.Message(failure).get_text()
        assert methods == "publickey,password,keyboard-interactive", methods

    def password(self, password):
        self.say(cMSG_USERAUTH_REQUEST, USER, "ssh-connection", "password", False, password)

    def interactive(self, answer, rounds=1):
        self.say(cMSG_USERAUTH_REQUEST, USER, "ssh-connection", "keyboard-interactive", "", "")
        self.expect(QUESTIONS, rounds)
        self.say(cMSG_USERAUTH_INFO_RESPONSE, 1, answer)

    def probe(self, key):
        self.say(cMSG_USERAUTH_REQUEST, USER, "ssh-connection", "publickey", False, key.get_name(), key.asbytes())

    def sign(self, key):
        self.expect(KEY_IS_GOOD)
        signed = paramiko.Message()
        signed.add_string(self.session_id)
        request = paramiko.Message()
        request.add_byte(cMSG_USERAUTH_REQUEST)
        for part in (USER, "ssh-connection", "publickey"):
            request.add_string(part)
        request.add_boolean(True)
        for part in (key.get_name(), key.asbytes()):
            request.add_string(part)
        signature = key.sign_ssh_data(signed.asbytes() + request.asbytes())
        request.add_string(getattr(signature, "asbytes", lambda: signature)())
        self._send_message(request)

    def transfers(self):
        """Two sessions with its windows; keys are exchanged between and within."""
        data = read("data")
        self.expect(LOGGED_IN)
        for number in range(2):
            channel = self.open_session(WINDOW, PACKET)
            channel.invoke_subsystem("sftp")
            sftp = paramiko.SFTPClient(channel)
            with sftp.open("by-ssh-net", "wb") as file:
                file.set_pipelined(True)
                file.write(data[: 1 << 19])
                self.renegotiate_keys()
                file.write(data[1 << 19 :])
            assert "by-ssh-net" in sftp.listdir(".")
            with sftp.open("by-ssh-net", "rb") as file:
                file.prefetch(len(data))
                assert file.read() == data, "the file came back changed"
        self.close()


def run(kind, detail):
    t = SshNet()
    assert t.host_key_type == "ssh-rsa" and t.local_cipher == "aes256-ctr" and t.local_mac == "hmac-sha2-256"
    t.begin()
    # What comes at a time when it waits for nothing ends its connection.
    seen = [number for number, _ in t.seen if number not in (20, 21, 31, 33)]
    assert seen == [SERVICE_ACCEPT, LOGIN_FAILED], seen
    if kind == "password":
        t.password(PASSWORD)
    elif kind == "keyboard-interactive":
        t.interactive(PASSWORD)
    elif kind == "key":
        key = paramiko.RSAKey.from_private_key_file("keys/" + detail)
        t.probe(key)
        t.sign(key)
    elif kind == "password-after-key":
        t.probe(paramiko.RSAKey.from_private_key_file("keys/other-" + detail))
        t.expect(LOGIN_FAILED, 2)
        t.password(PASSWORD)
    elif kind == "second-key":
        t.probe(paramiko.RSAKey.from_private_key_file("keys/other-" + detail))
        t.expect(LOGIN_FAILED, 2)
        key = paramiko.RSAKey.from_private_key_file("keys/" + detail)
        t.probe(key)
        t.sign(key)
    elif kind == "second-password":
        t.password("wrong")
        t.expect(LOGIN_FAILED, 2)
        t.interactive("wrong")
        t.expect(LOGIN_FAILED, 3)
        t.interactive(PASSWORD, 2)
    else:
        raise Unknown
    t.expect(LOGGED_IN)
    assert not [number for number, _ in t.seen if number in (FAILURE, 80)]
    t.transfers()


if __name__ == "__main__":
    main(run)
