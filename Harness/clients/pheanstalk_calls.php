<?php

// Makes every public call of pheanstalk: a task put through one manager is reserved through another.
//
// usage: pheanstalk_calls.php HOST:PORT HOST:PORT

declare(strict_types=1);

require 'Pheanstalk/autoload.php';

use Pheanstalk\Exception;
use Pheanstalk\JobId;
use Pheanstalk\Pheanstalk;

function equal($found, $expected): void
{
    if ($found !== $expected) {
        throw new \Exception(var_export($found, true) . ' instead of ' . var_export($expected, true));
    }
}

function refused(string $exception, \Closure $call): void
{
    try {
        $result = $call();
    } catch (\Throwable $error) {
        if ($error instanceof $exception) {
            return;
        }
        throw $error;
    }
    throw new \Exception(var_export($result, true) . " and no $exception");
}

function producing_and_consuming(Pheanstalk $producer, Pheanstalk $consumer): void
{
    $producer->useTube('pheanstalk-letters');
    equal($producer->listTubeUsed(true), 'pheanstalk-letters');
    $first = $producer->put('Grüße');
    $urgent = $producer->put('urgent', 1);
    $producer->put(str_repeat('x', 65535), 100000);
    refused(Exception\JobTooBigException::class, fn () => $producer->put(str_repeat('x', 65536)));

    $consumer->watchOnly('pheanstalk-letters');
    equal($consumer->listTubesWatched(true), ['pheanstalk-letters']);
    $job = $consumer->reserve();
    equal([(int) $job->getId(), $job->getData()], [(int) $urgent->getId(), 'urgent']);
    $consumer->delete($job);
    $job = $consumer->reserveWithTimeout(10);
    equal($job->getData(), 'Grüße');
    refused(Exception\JobNotFoundException::class, fn () => $producer->delete($first));
    $consumer->touch($job);
    $consumer->delete($job);
    $job = $consumer->reserveWithTimeout(0);
    equal(strlen($job->getData()), 65535);
    $consumer->delete($job);
    equal($consumer->reserveWithTimeout(0), null);
}

function states(Pheanstalk $producer, Pheanstalk $consumer): void
{
    $producer->useTube('pheanstalk-states');
    $consumer->watchOnly('pheanstalk-states');
    $task = $producer->put('a', 7, 0, 1000);
    equal($producer->peekReady()->getData(), 'a');
    $job = $consumer->reserveWithTimeout(0);
    $consumer->bury($job, 9);
    equal($producer->peekBuried()->getData(), 'a');
    equal($producer->kick(10), 1);
    equal($producer->kick(10), 0);
    $consumer->release($consumer->reserveWithTimeout(0), 8, 1000);
    $stats = $producer->statsJob($task);
    equal([$stats['state'], $stats['pri'], $stats['delay'], $stats['releases']], ['delayed', '8', '1000', '1']);
    equal($producer->peekDelayed()->getData(), 'a');
    $producer->kickJob($task);
    equal($producer->peek($task)->getData(), 'a');
    $consumer->delete($consumer->reserveWithTimeout(0));
    equal([$producer->peekReady(), $producer->peekDelayed(), $producer->peekBuried()], [null, null, null]);
    refused(Exception\ServerException::class, fn () => $producer->peek($task));
    refused(Exception\ServerException::class, fn () => $producer->statsJob($task));
    refused(Exception\JobNotFoundException::class, fn () => $producer->kickJob($task));
    refused(Exception\JobNotFoundException::class, fn () => $consumer->release($task));
    refused(Exception\JobNotFoundException::class, fn () => $consumer->bury($task));
    refused(Exception\JobNotFoundException::class, fn () => $consumer->touch($task));
}

function deadlines(Pheanstalk $producer, Pheanstalk $consumer): void
{
    $producer->useTube('pheanstalk-deadlines');
    $consumer->watchOnly('pheanstalk-deadlines');
    $task = $producer->put('short', 1, 0, 1);
    $consumer->reserve();
    refused(Exception\DeadlineSoonException::class, fn () => $consumer->reserveWithTimeout(60));
    // beanstalkd may forget a deadline until the connection does something (conn_timeout in prot.c).
    while ($consumer->statsJob($task)['state'] === 'reserved') {
        usleep(50000);
    }
    $producer->watchOnly('pheanstalk-deadlines');
    equal($producer->reserveWithTimeout(60)->getData(), 'short');
    refused(Exception\JobNotFoundException::class, fn () => $consumer->delete($task));
    equal($producer->statsJob($task)['timeouts'], '1');
    $producer->delete($task);
}

function tubes(Pheanstalk $producer, Pheanstalk $consumer): void
{
    $producer->useTube('pheanstalk-pausing');
    $consumer->watchOnly('pheanstalk-pausing');
    $producer->put('a');
    $producer->pauseTube('pheanstalk-pausing', 1000);
    equal($consumer->reserveWithTimeout(0), null);
    $stats = $consumer->statsTube('pheanstalk-pausing');
    // This version keeps the quotation marks that beanstalkd has had around names since 1.13.
    equal([trim($stats['name'], '"'), $stats['pause'], $stats['current-jobs-ready']], ['pheanstalk-pausing', '1000', '1']);
    $consumer->resumeTube('pheanstalk-pausing');
    $consumer->delete($consumer->reserveWithTimeout(60));
    equal(array_values(array_diff(['default', 'pheanstalk-pausing'], $producer->listTubes())), []);
    refused(Exception\ServerException::class, fn () => $producer->statsTube('absent'));
    $inside = $producer->withUsedTube('pheanstalk-inside', fn ($client) => $client->put('b'));
    $outside = $consumer->withWatchedTube('pheanstalk-inside', fn ($client) => $client->reserveWithTimeout(10));
    equal((int) $outside->getId(), (int) $inside->getId());
    $consumer->delete($outside);
    refused(Exception\ServerBadFormatException::class, fn () => $producer->useTube('no name'));
}

function statistics(Pheanstalk $producer, Pheanstalk $consumer): void
{
    $task = $producer->put('a');
    foreach ([$producer, $consumer] as $client) {
        $stats = $client->stats();
        equal($stats['current-jobs-ready'], '1');
        foreach (['cmd-put', 'total-jobs', 'current-tubes', 'uptime', 'pid', 'max-job-size'] as $key) {
            equal(ctype_digit($stats[$key]), true);
        }
    }
    $consumer->delete(new JobId((int) $task->getId()));
}

foreach (['producing_and_consuming', 'states', 'deadlines', 'tubes', 'statistics'] as $part) {
    foreach ([[$argv[1], $argv[2]], [$argv[2], $argv[1]]] as $addresses) {
        $clients = array_map(function (string $address): Pheanstalk {
            [$host, $port] = explode(':', $address);

            return Pheanstalk::create($host, (int) $port);
        }, $addresses);
        $part(...$clients);
        unset($clients);
    }
    echo "$part\n";
}
