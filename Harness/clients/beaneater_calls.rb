# Makes the usual calls of beaneater: a task put through one manager is reserved through another.
#
# usage: beaneater_calls.rb HOST:PORT HOST:PORT

require 'beaneater'

def equal(found, expected)
  raise "#{found.inspect} instead of #{expected.inspect}" unless found == expected
end

def refused(error)
  result = yield
rescue error
  nil
else
  raise "#{result.inspect} and no #{error}"
end

def producing_and_consuming(producer, consumer)
  tube = producer.tubes['beaneater-letters']
  equal(tube.put('Grüße')[:status], 'INSERTED')
  urgent = tube.put('urgent', pri: 1)[:id]
  tube.put('x' * 65_535, pri: 100_000)
  refused(Beaneater::JobTooBigError) { tube.put('x' * 65_536) }
  equal(tube.peek(:ready).id, urgent)

  consumer.tubes.watch!('beaneater-letters')
  equal(consumer.tubes.watched.map(&:name), ['beaneater-letters'])
  job = consumer.tubes.reserve(0)
  equal([job.id, job.body, job.tube, job.pri], [urgent, 'urgent', 'beaneater-letters', 1])
  job.delete
  job = consumer.tubes.reserve(10)
  equal(job.body.dup.force_encoding('UTF-8'), 'Grüße')
  equal(job.reserved?, true)
  refused(Beaneater::NotFoundError) { producer.jobs.find(job.id).delete }
  job.touch
  job.delete
  equal(job.exists?, false)
  consumer.tubes.reserve { |large| equal(large.body.bytesize, 65_535); large.delete }
  refused(Beaneater::TimedOutError) { consumer.tubes.reserve(0) }
end

def states(producer, consumer)
  tube = producer.tubes['beaneater-states']
  id = tube.put('a', pri: 7, ttr: 1000)[:id]
  job = consumer.tubes['beaneater-states'].reserve(0)
  job.bury(pri: 9)
  equal([job.stats.state, job.stats.pri, job.stats.buries], ['buried', 9, 1])
  equal(tube.peek(:buried).id, id)
  equal(tube.kick(10)[:id], '1')
  job = consumer.tubes.reserve(0)
  job.release(pri: 8, delay: 1000)
  equal(tube.peek(:delayed).id, id)
  equal([job.delay, job.pri, job.ttr, job.stats.releases], [1000, 8, 1000, 1])
  producer.jobs.find(id).kick
  consumer.tubes.reserve(0).delete
  equal(producer.jobs.find(id), nil)
  %i[ready delayed buried].each { |state| equal(tube.peek(state), nil) }
end

def tubes(producer, consumer)
  tube = producer.tubes['beaneater-pausing']
  tube.put('a')
  tube.put('b', delay: 1000)
  tube.pause(1000)
  consumer.tubes.watch!('beaneater-pausing')
  refused(Beaneater::TimedOutError) { consumer.tubes.reserve(0) }
  stats = consumer.tubes['beaneater-pausing'].stats
  equal([stats.name, stats.pause, stats.current_jobs_ready, stats.current_jobs_delayed], ['beaneater-pausing', 1000, 1, 1])
  tube.pause(0)
  equal(consumer.tubes.reserve(60).delete[:status], 'DELETED')
  tube.clear
  equal(tube.stats.current_jobs_delayed, 0)
  names = consumer.tubes.all.map(&:name)
  raise names.inspect unless (%w[default beaneater-pausing] - names).empty?
  refused(Beaneater::NotFoundError) { producer.tubes['absent'].stats }
  refused(Beaneater::InvalidTubeName) { producer.tubes.watch('no name') }
end

def processing(producer, consumer)
  results = []
  tube = producer.tubes['beaneater-work']
  %w[good again bad stop].each { |body| tube.put(body) }
  consumer.jobs.register('beaneater-work', retry_on: [ArgumentError], max_retries: 1) do |job|
    results << job.body
    raise ArgumentError if job.body == 'again' && job.stats.releases.zero?
    raise 'no use' if job.body == 'bad'
    raise Beaneater::AbortProcessingError if job.body == 'stop'
  end
  consumer.jobs.process!(release_delay: 0, reserve_timeout: 10)
  equal(results, %w[good again again bad stop])
  equal(tube.stats.current_jobs_buried, 2)
  tube.clear
  equal(tube.peek(:buried), nil)
end

def statistics(producer, consumer)
  id = producer.tubes['default'].put('a')[:id]
  [producer, consumer].each do |client|
    stats = client.stats
    equal(stats.current_jobs_ready, 1)
    %i[cmd_put total_jobs current_tubes uptime pid max_job_size].each do |key|
      raise "#{key}: #{stats[key].inspect}" unless stats[key].is_a?(Integer)
    end
  end
  consumer.jobs.find(id).delete
end

parts = %i[producing_and_consuming states tubes processing statistics]
parts.each do |part|
  [ARGV, ARGV.reverse].each do |addresses|
    clients = addresses.map { |address| Beaneater.new(address) }
    send(part, *clients)
    clients.each(&:close)
  end
  puts part
end
