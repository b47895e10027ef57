//! asyncssh.

use serde_json::json;
use sftpgo_e2e::{Server, assert_5000_names, make_5000_names, python};

#[test]
fn runs_many_sessions_at_once() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let script = r#"
import asyncio, asyncssh, os
async def one(n):
    async with asyncssh.connect("127.0.0.1", int(os.environ["PORT"]), username="bob", password="secret", known_hosts=None, config=None) as c:
        async with c.start_sftp_client() as s:
            data = os.urandom(3 << 20)
            async with s.open(f"f{n}", "wb") as f: await f.write(data)
            async with s.open(f"f{n}", "rb") as f: assert await f.read() == data
            await s.makedirs(f"d{n}/e"); await s.rename(f"f{n}", f"d{n}/e/f")
            assert (await s.statvfs(".")).bsize > 0
async def main(): await asyncio.gather(*[one(n) for n in range(10)])
asyncio.run(main())
"#;
    python(&server, script).assert_ok();
}

#[test]
fn does_every_operation_on_names() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let script = r#"
import asyncio, asyncssh, os
async def main():
    async with asyncssh.connect("127.0.0.1", int(os.environ["PORT"]), username="bob", password="secret", known_hosts=None, config=None) as c:
        async with c.start_sftp_client() as s:
            async def refused(error, call):
                try: await call
                except error: return
                raise AssertionError(f"{call} was not refused")
            open("l", "wb").write(os.urandom(5 << 20))
            await s.put("l", "r"); await s.get("r", "b")
            assert open("l", "rb").read() == open("b", "rb").read()
            await s.makedirs("d/e"); await s.put("l", "d/e/f", preserve=True)
            assert await s.getmtime("d/e/f") == int(os.stat("l").st_mtime)
            await s.get("d", "tree", recurse=True); await s.put("tree", "up", recurse=True)
            assert sorted([n async for n in s.scandir("up")], key=lambda n: n.filename)[-1].filename == "e"
            await s.mget("r*", "."); assert await s.glob("d/*/f") == ["d/e/f"]
            await refused(asyncssh.SFTPFailure, s.rename("r", "d/e/f")); await s.posix_rename("r", "d/e/f")
            await s.link("d/e/f", "hard")
            await s.symlink("d/e/f", "soft")
            assert await s.readlink("soft") == "d/e/f" and await s.islink("soft") and (await s.stat("hard")).nlink in (None, 2)
            await s.chmod("hard", 0o600); await s.truncate("hard", 10); await s.utime("hard", (1000, 2000))
            a = await s.stat("soft"); assert (a.permissions & 0o777, a.mtime, a.size) == (0o600, 2000, 10)
            assert await s.realpath("d/../d/./e") == "/d/e" and (await s.statvfs("/")).bsize > 0
            async with s.open("hard", "ab") as f:
                await f.write(b"more"); await f.fsync(); assert (await f.stat()).size == 14
            name = b"\xff\xfe"
            async with s.open(name, "wb") as f: await f.write(name)
            assert name in await s.listdir(b".") and await s.getsize(name) == 2
            await refused(asyncssh.SFTPNoSuchFile, s.stat("nothing")); await refused(asyncssh.SFTPFailure, s.rmdir("d"))
            await s.rmtree("d"); await s.rmtree("up"); await s.remove("hard"); await s.unlink("soft"); await s.remove(name)
            assert sorted(await s.listdir(".")) == [".", ".."]
asyncio.run(main())
"#;
    python(&server, script).assert_ok();
}

#[test]
fn lists_five_thousand_names() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    make_5000_names(&server.home("bob"));
    let script = r#"
import asyncio, asyncssh, os
async def main():
    async with asyncssh.connect("127.0.0.1", int(os.environ["PORT"]), username="bob", password="secret", known_hosts=None, config=None) as c:
        async with c.start_sftp_client() as s: print("\n".join(await s.listdir(".")))
asyncio.run(main())
"#;
    assert_5000_names(&python(&server, script).assert_ok());
}

/// asyncssh writes at the offsets that it has counted itself, from 0, and trusts the server to append.
#[test]
fn appends_whatever_others_append_meanwhile() {
    for mode in ["0", "1", "2"] {
        let server = Server::start_with(&[("SFTPGO_SFTPD__UPLOAD_MODE", mode)]);
        server.add_user("bob", &json!({}));
        let script = r#"
import asyncio, asyncssh, os
async def session(c): return await c.start_sftp_client()
async def main():
    async with asyncssh.connect("127.0.0.1", int(os.environ["PORT"]), username="bob", password="secret", known_hosts=None, config=None) as c:
        a, b = await session(c), await session(c)
        async with a.open("log", "ab") as f, b.open("log", "ab") as g:
            await f.write(b"1"); await g.write(b"2"); await f.write(b"3"); await g.write(b"4")
        async with a.open("log", "ab") as f: await f.write(b"5")
        async with a.open("log", "rb") as f: assert await f.read() == b"12345"
        assert not await a.exists("log/below") and not await a.exists("no/way")
asyncio.run(main())
"#;
        python(&server, script).assert_ok();
    }
}
