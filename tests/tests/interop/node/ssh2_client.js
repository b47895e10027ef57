// ssh2 of npm, 0.8 (MODULE=ssh2-old) and 1.x: each argument names a scenario, and a line of the output tells how it ended.
'use strict';
const fs = require('fs');
const { Client } = require(process.env.MODULE);
const constants = (() => {
  try {
    return require(process.env.MODULE + '/lib/protocol/constants.js');
  } catch {
    const { ALGORITHMS } = require(process.env.MODULE.replace('ssh2', 'ssh2-streams').replace('-old', '')).constants;
    return { SUPPORTED_KEX: ALGORITHMS.SUPPORTED_KEX, SUPPORTED_CIPHER: ALGORITHMS.SUPPORTED_CIPHER,
      SUPPORTED_MAC: ALGORITHMS.SUPPORTED_HMAC, SUPPORTED_SERVER_HOST_KEY: ALGORITHMS.SUPPORTED_SERVER_HOST_KEY };
  }
})();
const OLD = process.env.MODULE === 'ssh2-old';
const USER = 'bob';
const PASSWORD = 'secret';
const UNKNOWN = new Error('the client does not have it');
const LISTS = {
  kex: ['kex', constants.SUPPORTED_KEX],
  cipher: ['cipher', constants.SUPPORTED_CIPHER],
  mac: ['hmac', constants.SUPPORTED_MAC],
  'host-key': ['serverHostKey', constants.SUPPORTED_SERVER_HOST_KEY],
};

const key = (name) => fs.readFileSync(`keys/${name}`);
const call = (object, method, ...args) =>
  new Promise((done, fail) => object[method](...args, (error, value) => (error ? fail(error) : done(value))));

function connect(options, answers = []) {
  const connection = new Client();
  return new Promise((done, fail) => {
    connection
      .on('ready', () => done(connection))
      .on('error', fail)
      .on('close', () => fail(new Error('closed')))
      .on('keyboard-interactive', (name, text, language, prompts, finish) =>
        finish(prompts.map(() => answers.shift())))
      .connect({ host: '127.0.0.1', port: +process.env.PORT, username: USER, readyTimeout: 15000, ...options });
  });
}

async function check(connection, local = 'data') {
  const sftp = await call(connection, 'sftp');
  await call(sftp, 'fastPut', local, 'remote');
  const list = await call(sftp, 'readdir', '.');
  if (!list.some((entry) => entry.filename === 'remote')) throw new Error('the file is not listed');
  await call(sftp, 'fastGet', 'remote', 'back');
  if (!fs.readFileSync(local).equals(fs.readFileSync('back'))) throw new Error('the file came back changed');
  fs.unlinkSync('back');
}

async function checkAndEnd(connection, local) {
  await check(connection, local);
  await new Promise((done) => connection.on('close', done).end());
}

async function run(kind, detail) {
  const password = { password: PASSWORD };
  if (kind in LISTS) {
    const [list, known] = LISTS[kind];
    if (!known.includes(detail)) throw UNKNOWN;
    const algorithms = { [list]: [detail] };
    if (kind === 'mac') algorithms.cipher = ['aes128-ctr'];
    return checkAndEnd(await connect({ ...password, algorithms }));
  }
  const methods = (list) =>
    list.map(([type, value]) => {
      if (type === 'publickey') return { type, username: USER, key: key(value) };
      if (type === 'password') return { type, username: USER, password: value };
      return { type, username: USER, prompt: (name, text, language, prompts, finish) => finish(prompts.map(() => value)) };
    });
  switch (kind) {
    case 'password':
      return checkAndEnd(await connect(password));
    case 'compression':
      return checkAndEnd(await connect({ ...password, algorithms: { compress: ['zlib@openssh.com'] } }));
    case 'key':
      return checkAndEnd(await connect({ privateKey: key(detail) }));
    case 'keyboard-interactive':
      return checkAndEnd(await connect({ tryKeyboard: true }, [PASSWORD]));
    case 'password-after-key':
      return checkAndEnd(await connect({ ...password, privateKey: key(`other-${detail}`), authHandler: ['publickey', 'password'] }));
    case 'second-password': {
      if (OLD) throw UNKNOWN;
      for (const method of ['password', 'keyboard-interactive']) {
        const authHandler = methods([[method, 'wrong'], [method, PASSWORD]]);
        await checkAndEnd(await connect({ authHandler }));
      }
      return;
    }
    case 'second-key': {
      if (OLD) throw UNKNOWN;
      const authHandler = methods([['publickey', `other-${detail}`], ['publickey', detail]]);
      return checkAndEnd(await connect({ authHandler }));
    }
    case 'rekey': {
      const connection = await connect(password);
      // Its server has it in public, its client only within.
      const protocol = connection._protocol;
      if (!protocol || !protocol.rekey) throw UNKNOWN;
      // Between transfers: it sends data while keys are exchanged, which OpenSSH does not take either.
      for (let pass = 0; pass < 10; pass += 1) {
        protocol.rekey();
        while (protocol._kexinit !== undefined) await new Promise((done) => setTimeout(done, 5));
        await check(connection);
      }
      return new Promise((done) => connection.on('close', done).end());
    }
    default:
      throw UNKNOWN;
  }
}

(async () => {
  let failed = 0;
  for (const name of process.argv.slice(2)) {
    const [kind, detail] = name.split(/:(.*)/s);
    let timer;
    const late = new Promise((_, fail) => {
      timer = setTimeout(() => fail(new Error('the client hangs')), kind === 'rekey' ? 100000 : 20000);
    });
    try {
      await Promise.race([run(kind, detail), late]);
      console.log('ok', name);
    } catch (error) {
      if (error === UNKNOWN) console.log('unknown', name);
      else {
        failed = 1;
        console.log(`failed ${name}: ${String(error).replace(/\n/g, ' ')}`);
      }
    }
    clearTimeout(timer);
  }
  process.exit(failed);
})();
