//! asyncssh.

use serde_json::json;
use sftpgo_e2e::{Server, python};

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
