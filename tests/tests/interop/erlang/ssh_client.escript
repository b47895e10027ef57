#!/usr/bin/env escript
%% Erlang's ssh: each argument names a scenario, and a line of the output tells how it ended.
-mode(compile).

-define(USER, "bob").
-define(PASSWORD, "secret").
-define(LISTS, #{"kex" => kex, "cipher" => cipher, "mac" => mac, "host-key" => public_key}).

main(Names) ->
    {ok, _} = application:ensure_all_started(ssh),
    logger:set_primary_config(level, none),
    Ends = [tell(Name) || Name <- Names],
    halt(case lists:member(failed, Ends) of true -> 1; false -> 0 end).

tell(Name) ->
    {Kind, Detail} = case string:split(Name, ":") of [A, B] -> {A, B}; [A] -> {A, ""} end,
    Limit = case lists:member(Kind, ["rekey", "channels"]) of true -> 100000; false -> 20000 end,
    {Process, Monitor} = spawn_monitor(fun() -> exit({ended, run(Kind, Detail)}) end),
    receive
        {'DOWN', Monitor, process, Process, {ended, _}} -> io:format("ok ~s~n", [Name]), ok;
        {'DOWN', Monitor, process, Process, unknown} -> io:format("unknown ~s~n", [Name]), unknown;
        {'DOWN', Monitor, process, Process, Why} -> io:format("failed ~s: ~0p~n", [Name, Why]), failed
    after Limit ->
        io:format("failed ~s: the client hangs~n", [Name]),
        failed
    end.

run("password", _) -> check(by_password([]));
run("keyboard-interactive", _) -> check(connect("keyboard-interactive", [answers([?PASSWORD])]));
run("key", Kind) -> check(connect("publickey", keys([Kind])));
run("password-after-key", Kind) ->
    check(connect("publickey,password", [{password, ?PASSWORD} | keys(["other-" ++ Kind])]));
run("compression", _) -> check(by_password([{preferred_algorithms, [{compression, ['zlib@openssh.com']}]}]));
run("rekey", _) -> check(by_password([{rekey_limit, {infinity, 1 bsl 20}}]), "big");
run("channels", _) -> channels(by_password([{rekey_limit, {infinity, 1 bsl 20}}]));
run(Kind, Detail) when is_map_key(Kind, ?LISTS) ->
    List = map_get(Kind, ?LISTS),
    Name = list_to_atom(Detail),
    lists:member(Name, known(List)) orelse exit(unknown),
    Cipher = case List of mac -> [{cipher, ['aes128-ctr']}]; _ -> [] end,
    check(by_password([{preferred_algorithms, [{List, [Name]} | Cipher]}]));
run(_, _) -> exit(unknown).

%% What it has at all: some of it is not among its defaults.
known(List) ->
    case ssh_transport:supported_algorithms(List) of
        [{client2server, Names}, {server2client, Names}] -> Names;
        Names -> Names
    end.

by_password(Options) -> connect("password", [{password, ?PASSWORD} | Options]).

%% The directory of a user whose keys these are: the client looks for them by their names.
keys(Names) ->
    Directory = "erlang-keys-" ++ string:join(Names, "-"),
    ok = filelib:ensure_path(Directory),
    [begin
        Kind = lists:last(string:split(Name, "-")),
        {ok, _} = file:copy("keys/" ++ Name, Directory ++ "/id_" ++ Kind)
    end || Name <- Names],
    [{user_dir, Directory}].

answers(Answers) -> {keyboard_interact_fun, fun(_, _, Prompts) -> lists:sublist(Answers, length(Prompts)) end}.

connect(Methods, Options) ->
    ok = filelib:ensure_path("erlang-nothing"),
    Dirs = case proplists:is_defined(user_dir, Options) of true -> []; false -> [{user_dir, "erlang-nothing"}] end,
    %% Without this it asks not even the function.
    MayAsk = proplists:is_defined(keyboard_interact_fun, Options),
    {ok, Connection} = ssh:connect("127.0.0.1", list_to_integer(os:getenv("PORT")),
        [{user, ?USER}, {auth_methods, Methods}, {silently_accept_hosts, true}, {user_interaction, MayAsk},
         {save_accepted_host, false}, {connect_timeout, 15000} | Dirs ++ Options], 15000),
    Connection.

check(Connection) -> check(Connection, "data").

check(Connection, Local) ->
    {ok, Data} = file:read_file(Local),
    {ok, Session} = ssh_sftp:start_channel(Connection),
    there_and_back(Session, "remote", Data),
    {ok, Names} = ssh_sftp:list_dir(Session, "."),
    true = lists:member("remote", Names),
    ok = ssh_sftp:stop_channel(Session),
    ok = ssh:close(Connection).

there_and_back(Session, Name, Data) ->
    ok = ssh_sftp:write_file(Session, Name, Data),
    {ok, Back} = ssh_sftp:read_file(Session, Name),
    true = Back =:= Data.

%% Ten sessions of one connection at once.
channels(Connection) ->
    {ok, Data} = file:read_file("data"),
    Transfers = [spawn_monitor(fun() ->
        {ok, Session} = ssh_sftp:start_channel(Connection),
        Own = <<Number, Data/binary>>,
        [there_and_back(Session, "c" ++ integer_to_list(Number), Own) || _ <- [1, 2, 3]]
    end) || Number <- lists:seq(0, 9)],
    [receive {'DOWN', Monitor, process, Process, Why} -> normal = Why end || {Process, Monitor} <- Transfers],
    ok = ssh:close(Connection).
