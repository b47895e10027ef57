<?php
// What the PHP clients share: each argument names a scenario, and a line of the output tells how it ended.

const USER = 'bob';
const PASSWORD = 'secret';

class Unknown extends Exception
{
}

function port(): int
{
    return (int) getenv('PORT');
}

function check(bool $fact, string $what): void
{
    if (!$fact) {
        throw new Exception($what);
    }
}

function run_all(callable $run, array $names): void
{
    $failed = 0;
    foreach ($names as $name) {
        [$kind, $detail] = explode(':', $name, 2) + [1 => ''];
        try {
            $run($kind, $detail);
            echo "ok $name\n";
        } catch (Unknown $error) {
            echo "unknown $name\n";
        } catch (Throwable $error) {
            $failed = 1;
            echo "failed $name: ", strtr($error->getMessage(), "\n", ' '), "\n";
        }
    }
    exit($failed);
}
