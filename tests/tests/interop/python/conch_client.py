"""Twisted conch's client: encrypt-and-MAC in all versions."""

from twisted.conch.ssh import channel, common, connection, filetransfer, keys, transport, userauth
from twisted.internet import defer, protocol, reactor

from scenario import PASSWORD, PORT, USER, Unknown, main, read

LISTS = {
    "kex": "supportedKeyExchanges",
    "cipher": "supportedCiphers",
    "mac": "supportedMACs",
    "host-key": "supportedPublicKeys",
}


class Transport(transport.SSHClientTransport):
    def __init__(self, answers, lists, done):
        self.answers, self.done = answers, done
        for name, value in lists.items():
            setattr(self, name, value)

    def verifyHostKey(self, key, fingerprint):
        return defer.succeed(1)

    def connectionSecure(self):
        self.requestService(Login(self.answers, Connection(self.done)))

    def connectionLost(self, reason):
        super().connectionLost(reason)
        if not self.done.called:
            self.done.errback(reason)


class Login(userauth.SSHUserAuthClient):
    """Answers each request of a method by the next of a list."""

    def __init__(self, answers, instance):
        super().__init__(USER.encode(), instance)
        self.answers = answers
        self.preferredOrder = [name for name in (b"publickey", b"keyboard-interactive", b"password") if answers.get(name)]

    def next(self, method):
        return self.answers[method].pop(0) if self.answers.get(method) else None

    def getPassword(self, prompt=None):
        answer = self.next(b"password")
        return None if answer is None else defer.succeed(answer.encode())

    def getGenericAnswers(self, name, instruction, prompts):
        if not prompts:
            return defer.succeed([])
        return defer.succeed([self.next(b"keyboard-interactive") or "" for _ in prompts])

    def getPublicKey(self):
        self.key = self.next(b"publickey")
        return self.key and self.key.public()

    def getPrivateKey(self):
        return defer.succeed(self.key)

    def tryAuth(self, kind):
        # It goes on with the other methods as soon as one has no answer left.
        return self.answers.get(kind) and super().tryAuth(kind)


class Connection(connection.SSHConnection):
    def __init__(self, done):
        super().__init__()
        self.done = done

    def serviceStarted(self):
        super().serviceStarted()
        self.openChannel(Session(self.done))


class Session(channel.SSHChannel):
    name = b"session"

    def __init__(self, done):
        super().__init__(2 << 20, 1 << 15)
        self.done = done

    @defer.inlineCallbacks
    def channelOpen(self, data):
        try:
            yield self.conn.sendRequest(self, "subsystem", common.NS(b"sftp"), wantReply=1)
            client = filetransfer.FileTransferClient()
            client.makeConnection(self)
            self.dataReceived = client.dataReceived
            yield transfer(client)
            self.conn.transport.transport.loseConnection()
            self.done.callback(None)
        except Exception as error:
            self.done.errback(error)


@defer.inlineCallbacks
def transfer(client):
    data, step = read("data"), 32768
    file = yield client.openFile(b"remote", filetransfer.FXF_WRITE | filetransfer.FXF_CREAT | filetransfer.FXF_TRUNC, {})
    yield defer.gatherResults([file.writeChunk(at, data[at : at + step]) for at in range(0, len(data), step)])
    yield file.close()
    directory = yield client.openDirectory(b".")
    names = []
    try:
        while True:
            names += [entry[0] for entry in (yield directory.read())]
    except EOFError:
        pass
    yield directory.close()
    assert b"remote" in names, names
    file = yield client.openFile(b"remote", filetransfer.FXF_READ, {})
    chunks = yield defer.gatherResults([file.readChunk(at, step) for at in range(0, len(data), step)])
    yield file.close()
    assert b"".join(chunks) == data, "the file came back changed"


def key(name):
    return keys.Key.fromFile("keys/" + name)


def run(kind, detail):
    lists, answers = {}, {b"password": [PASSWORD]}
    if kind in LISTS:
        name = detail.encode()
        known = list(getattr(transport.SSHClientTransport, LISTS[kind]))
        if name not in known:
            raise Unknown
        lists[LISTS[kind]] = [name]
    elif kind == "key":
        answers = {b"publickey": [key(detail)]}
    elif kind == "second-key":
        answers = {b"publickey": [key("other-" + detail), key(detail)]}
    elif kind == "password-after-key":
        answers[b"publickey"] = [key("other-" + detail)]
    elif kind == "keyboard-interactive":
        answers = {b"keyboard-interactive": [PASSWORD]}
    elif kind == "second-password":
        # It tries no method twice: here one fails and the other does not.
        answers = {b"keyboard-interactive": ["wrong"], b"password": [PASSWORD]}
    elif kind != "password":
        raise Unknown
    done = defer.Deferred()
    results = []
    creator = protocol.ClientCreator(reactor, Transport, answers, lists, done)
    creator.connectTCP("127.0.0.1", PORT).addErrback(done.errback)
    # The reactor runs until the scenario ends, and once more for the next.
    done.addBoth(lambda result: (results.append(result), reactor.crash()))
    reactor.run(installSignalHandlers=False)
    if results[0] is not None:
        results[0].raiseException()


if __name__ == "__main__":
    main(run)
