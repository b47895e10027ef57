<?php
// phpseclib 2 and 3: the first argument is the version, the others name scenarios.

$version = $argv[1];
require $version === '2' ? 'phpseclib/autoload.php' : 'phpseclib3/autoload.php';
require __DIR__ . '/scenario.php';

const SETTINGS = ['kex' => 'kex', 'host-key' => 'hostkey', 'cipher' => 'crypt', 'mac' => 'mac'];

function client(string $kind, string $name)
{
    global $version;
    $class = $version === '2' ? 'phpseclib\Net\SFTP' : 'phpseclib3\Net\SFTP';
    $client = new $class('127.0.0.1', port(), 15);
    if (isset(SETTINGS[$kind])) {
        if ($version === '2') {
            throw new Unknown();
        }
        $known = ['kex' => 'getSupportedKEXAlgorithms', 'host-key' => 'getSupportedHostKeyAlgorithms',
            'cipher' => 'getSupportedEncryptionAlgorithms', 'mac' => 'getSupportedMACAlgorithms'][$kind];
        if (!in_array($name, $class::$known())) {
            throw new Unknown();
        }
        $both = fn ($chosen) => ['client_to_server' => $chosen, 'server_to_client' => $chosen];
        $client->setPreferredAlgorithms(match ($kind) {
            'kex', 'host-key' => [SETTINGS[$kind] => [$name]],
            'cipher' => $both(['crypt' => [$name]]),
            'mac' => $both(['crypt' => ['aes128-ctr'], 'mac' => [$name]]),
        });
    }
    return $client;
}

function load_key(string $name)
{
    global $version;
    $text = file_get_contents("keys/$name");
    if ($version !== '2') {
        return phpseclib3\Crypt\PublicKeyLoader::load($text);
    }
    $key = new phpseclib\Crypt\RSA();
    check($key->loadKey($text), 'the key is not read');
    return $key;
}

function transfer($client): void
{
    $data = file_get_contents('data');
    check($client->put('remote', $data), 'not put');
    check(in_array('remote', $client->nlist('.')), 'the file is not listed');
    check($client->get('remote') === $data, 'the file came back changed');
    $client->disconnect();
}

run_all(function (string $kind, string $detail) {
    $client = client($kind, $detail);
    switch ($kind) {
        case 'key':
            check($client->login(USER, load_key($detail)), 'not let in');
            break;
        case 'second-key':
            check(!$client->login(USER, load_key("other-$detail")), 'a stranger is let in');
            check($client->login(USER, load_key($detail)), 'not let in');
            break;
        case 'password-after-key':
            check($client->login(USER, load_key("other-$detail"), PASSWORD), 'not let in');
            break;
        case 'second-password':
            check(!$client->login(USER, 'wrong'), 'a wrong password is let in');
            check($client->login(USER, PASSWORD), 'not let in');
            break;
        case 'keyboard-interactive':
            check($client->login(USER, ['Password' => PASSWORD]), 'not let in');
            break;
        default:
            check($client->login(USER, PASSWORD), 'not let in');
    }
    transfer($client);
}, array_slice($argv, 2));
