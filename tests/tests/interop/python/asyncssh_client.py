"""asyncssh, from 2.0 on."""

import asyncio

import asyncssh
from asyncssh import compression, encryption, kex, mac

from scenario import PASSWORD, PORT, USER, Unknown, assert_same, main, read

LISTS = {
    "kex": ("kex_algs", kex.get_kex_algs),
    "cipher": ("encryption_algs", encryption.get_encryption_algs),
    "mac": ("mac_algs", mac.get_mac_algs),
    "compression": ("compression_algs", compression.get_compression_algs),
}
# Since when it can do without the files and agents of whoever runs the tests.
ALONE = {"config": None} if "config" in asyncssh.connect.__doc__ else {}


class Answers(asyncssh.SSHClient):
    """Answers each request of a method by the next of a list."""

    def __init__(self, passwords=(), keys=(), answers=()):
        self.passwords, self.keys, self.answers = list(passwords), list(keys), list(answers)

    def password_auth_requested(self):
        return self.passwords.pop(0) if self.passwords else None

    def public_key_auth_requested(self):
        return self.keys.pop(0) if self.keys else None

    def kbdint_auth_requested(self):
        return "" if self.answers else None

    def kbdint_challenge_received(self, name, instructions, lang, prompts):
        answer = self.answers.pop(0) if prompts else None
        return [answer for _ in prompts]


async def connect(answers, method, **options):
    options = {**ALONE, "known_hosts": None, "agent_path": None, "client_keys": None, **options}
    if "preferred_auth" in asyncssh.connect.__doc__:
        options["preferred_auth"] = method
    return await asyncssh.connect(
        "127.0.0.1", PORT, username=USER, client_factory=lambda: answers, **options
    )


async def check(connection, local="data"):
    async with connection:
        async with connection.start_sftp_client() as s:
            await s.put(local, "remote")
            assert "remote" in await s.listdir(".")
            await s.get("remote", "back")
            assert_same(local, "back")


async def with_password(**options):
    return await connect(Answers(passwords=[PASSWORD]), "password", **options)


async def channels():
    """Ten sessions of one connection, each with transfers, while keys are exchanged again."""
    data = read("data")

    async def one(connection, number):
        name = "c%d" % number
        async with connection.start_sftp_client() as s:
            for _ in range(3):
                async with s.open(name, "wb") as f:
                    await f.write(data + name.encode())
                async with s.open(name, "rb") as f:
                    assert await f.read() == data + name.encode(), name

    async with await with_password(rekey_bytes=1 << 20) as connection:
        await asyncio.gather(*[one(connection, number) for number in range(10)])


def key(name):
    return asyncssh.read_private_key("keys/" + name)


async def scenario(kind, detail):
    if kind in LISTS:
        option, known = LISTS[kind]
        name = detail or "zlib@openssh.com"
        if name.encode() not in known():
            raise Unknown
        options = {option: [name]}
        if kind == "mac":
            options["encryption_algs"] = ["aes128-ctr"]
        await check(await with_password(**options))
    elif kind == "host-key":
        await check(await with_password(server_host_key_algs=[detail]))
    elif kind == "password":
        await check(await with_password())
    elif kind == "key":
        await check(await connect(Answers(keys=[key(detail)]), "publickey"))
    elif kind == "keyboard-interactive":
        await check(await connect(Answers(answers=[PASSWORD]), kind))
    elif kind == "second-password":
        await check(await connect(Answers(passwords=["wrong", PASSWORD]), "password"))
        await check(await connect(Answers(answers=["wrong", PASSWORD]), "keyboard-interactive"))
    elif kind == "second-key":
        keys = [key("other-" + detail), key(detail)]
        await check(await connect(Answers(keys=keys), "publickey"))
    elif kind == "password-after-key":
        answers = Answers(keys=[key("other-" + detail)], passwords=[PASSWORD])
        await check(await connect(answers, "publickey,password"))
    elif kind == "rekey":
        await check(await with_password(rekey_bytes=1 << 20), "big")
    elif kind == "channels":
        await channels()
    else:
        raise Unknown


def run(kind, detail):
    asyncio.run(asyncio.wait_for(scenario(kind, detail), 100))


if __name__ == "__main__":
    main(run)
