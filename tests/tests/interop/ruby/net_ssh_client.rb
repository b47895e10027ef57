# Net::SSH with net-sftp and net-scp: each argument names a scenario, and a line of the output tells how it ended.

require 'net/scp'
require 'net/sftp'
require 'net/ssh'
require 'stringio'
require 'timeout'

USER = 'bob'
PASSWORD = 'secret'
LISTS = { 'kex' => :kex, 'cipher' => :encryption, 'mac' => :hmac, 'host-key' => :host_key }.freeze

class Unknown < StandardError; end

# Answers each question by the next of a list.
class Answers
  def initialize(*answers)
    @answers = answers
  end

  def start(_info)
    self
  end

  def ask(_prompt, _echo = false)
    @answers.shift
  end

  def success; end
end

def check(fact, what)
  raise what unless fact
end

def connect(method, **options, &block)
  options = { port: ENV['PORT'].to_i, config: false, use_agent: false, verify_host_key: :never, keys: [],
              number_of_password_prompts: 0, auth_methods: Array(method), timeout: 15, **options }
  Net::SSH.start('127.0.0.1', USER, **options, &block)
end

def transfer(connection, data = File.binread('data'))
  sftp = connection.sftp
  sftp.upload!(StringIO.new(data), 'remote')
  check(sftp.dir.entries('.').map(&:name).include?('remote'), 'the file is not listed')
  check(sftp.download!('remote').b == data, 'the file came back changed')
end

def scp(connection)
  connection.scp.upload!('data', 'by-scp')
  check(connection.scp.download!('by-scp').b == File.binread('data'), 'the file came back changed')
end

# Ten transfers of one connection at once, by SFTP and by SCP, there and back.
def channels(connection)
  data = File.binread('data')
  ways = Array.new(10) do |number|
    number.even? ? connection.scp : Net::SFTP::Session.new(connection).connect!
  end
  ways.each_with_index.map { |way, number| way.upload(StringIO.new(number.to_s.b + data), "c#{number}") }.each(&:wait)
  backs = ways.map { StringIO.new(+'') }
  ways.each_with_index.map { |way, number| way.download("c#{number}", backs[number]) }.each(&:wait)
  backs.each_with_index { |back, number| check(back.string.b == number.to_s.b + data, "c#{number} came back changed") }
end

def key(*names)
  { keys: names.map { |name| "keys/#{name}" }, keys_only: true }
end

def run(kind, detail)
  case kind
  when *LISTS.keys
    known = Net::SSH::Transport::Algorithms::ALGORITHMS[LISTS[kind]]
    raise Unknown unless known.include?(detail)

    options = { LISTS[kind] => [detail] }
    options[:encryption] = ['aes128-ctr'] if kind == 'mac'
    connect('password', password: PASSWORD, **options) { |connection| transfer(connection) }
  when 'password'
    connect('password', password: PASSWORD) { |connection| transfer(connection) }
  when 'none-and-password'
    connect(%w[none password], password: PASSWORD) { |connection| transfer(connection) }
  when 'compression'
    connect('password', password: PASSWORD, compression: 'zlib@openssh.com') { |connection| transfer(connection) }
  when 'key'
    connect('publickey', **key(detail)) { |connection| transfer(connection) }
  when 'second-key'
    connect('publickey', **key("other-#{detail}", detail)) { |connection| transfer(connection) }
  when 'password-after-key'
    connect(%w[publickey password], password: PASSWORD, **key("other-#{detail}")) { |connection| transfer(connection) }
  when 'keyboard-interactive'
    connect(kind, password: PASSWORD) { |connection| transfer(connection) }
  when 'second-password'
    %w[password keyboard-interactive].each do |method|
      options = { password_prompt: Answers.new('wrong', PASSWORD), number_of_password_prompts: 3 }
      connect(method, **options) { |connection| transfer(connection) }
    end
  when 'scp'
    connect('password', password: PASSWORD) { |connection| scp(connection) }
  when 'rekey'
    connect('password', password: PASSWORD, rekey_limit: 1 << 20) do |connection|
      # Not all of it: Ruby is slow.
      transfer(connection, File.binread('big', 16 << 20))
    end
  when 'channels'
    connect('password', password: PASSWORD, rekey_limit: 1 << 20) { |connection| channels(connection) }
  else
    raise Unknown
  end
end

failed = false
ARGV.each do |name|
  kind, detail = name.split(':', 2)
  Timeout.timeout(%w[rekey channels].include?(kind) ? 100 : 20) { run(kind, detail) }
  puts "ok #{name}"
rescue Unknown
  puts "unknown #{name}"
rescue StandardError, NotImplementedError => e
  failed = true
  puts "failed #{name}: #{e.class}: #{e.message.tr("\n", ' ')}", e.backtrace.first(8)
end
exit(!failed)
