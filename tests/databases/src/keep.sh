# Runs a database server for as long as it is wanted: sh keep.sh PID DIRECTORY SIGNAL COMMAND...
# When the process PID is gone, the server gets SIGNAL and DIRECTORY is removed, however that process ended.
wanted=$1 directory=$2 signal=$3
shift 3
"$@" >>"$directory/log" 2>&1 &
server=$!
echo $server >"$directory/pid.new" && mv "$directory/pid.new" "$directory/pid"
while [ -d "/proc/$wanted" ]; do
    # Stopped by its test, which may start it again.
    kill -0 $server 2>/dev/null || exit 0
    sleep 0.3
done
kill -CONT $server
kill -"$signal" $server
wait $server
rm -rf "$directory"
