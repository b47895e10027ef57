<?php
// libssh2 by PHP's extension ssh2: each argument names a scenario.

require __DIR__ . '/scenario.php';
error_reporting(E_ALL & ~E_WARNING);

function connect(string $kind, string $name)
{
    $both = fn ($chosen) => ['client_to_server' => $chosen, 'server_to_client' => $chosen];
    $methods = match ($kind) {
        'kex' => ['kex' => $name],
        'host-key' => ['hostkey' => $name],
        'cipher' => $both(['crypt' => $name]),
        'mac' => $both(['crypt' => 'aes128-ctr', 'mac' => $name]),
        'compression' => $both(['comp' => 'zlib@openssh.com']),
        default => [],
    };
    $session = ssh2_connect('127.0.0.1', port(), $methods);
    if (!$session) {
        // Its lists are of one release: what it refuses itself is not what the server refuses.
        $why = error_get_last()['message'] ?? '';
        if (str_contains($why, 'not supported') || str_contains($why, 'overriding')) {
            throw new Unknown();
        }
        throw new Exception("not connected: $why");
    }
    $used = ssh2_methods_negotiated($session);
    $used = ['kex' => $used['kex'], 'host-key' => $used['hostkey'], 'cipher' => $used['client_to_server']['crypt'],
        'mac' => $used['client_to_server']['mac']];
    if (isset($used[$kind]) && $used[$kind] !== $name) {
        throw new Unknown();
    }
    return $session;
}

function offer($session, string $key): bool
{
    return ssh2_auth_pubkey_file($session, USER, "keys/$key.pub", "keys/$key");
}

function transfer($session): void
{
    $data = file_get_contents('data');
    $sftp = ssh2_sftp($session);
    check((bool) $sftp, 'no session');
    $root = 'ssh2.sftp://' . intval($sftp) . '/.';
    check(file_put_contents("$root/remote", $data) === strlen($data), 'not put');
    check(in_array('remote', scandir($root)), 'the file is not listed');
    check(file_get_contents("$root/remote") === $data, 'the file came back changed');
    ssh2_disconnect($session);
}

run_all(function (string $kind, string $detail) {
    $session = connect($kind, $detail);
    switch ($kind) {
        case 'key':
            check(offer($session, $detail), 'not let in');
            break;
        case 'second-key':
            check(!offer($session, "other-$detail"), 'a stranger is let in');
            check(offer($session, $detail), 'not let in');
            break;
        case 'password-after-key':
            check(!offer($session, "other-$detail"), 'a stranger is let in');
            check(ssh2_auth_password($session, USER, PASSWORD), 'not let in');
            break;
        case 'second-password':
            check(!ssh2_auth_password($session, USER, 'wrong'), 'a wrong password is let in');
            check(ssh2_auth_password($session, USER, PASSWORD), 'not let in');
            break;
        default:
            check(ssh2_auth_password($session, USER, PASSWORD), 'not let in');
    }
    transfer($session);
}, array_slice($argv, 1));
