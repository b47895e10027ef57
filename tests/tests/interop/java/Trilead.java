import com.trilead.ssh2.Connection;
import com.trilead.ssh2.InteractiveCallback;
import com.trilead.ssh2.SCPClient;
import com.trilead.ssh2.SFTPv3Client;
import com.trilead.ssh2.SFTPv3DirectoryEntry;
import com.trilead.ssh2.SFTPv3FileHandle;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.util.Arrays;

/** Trilead's SSH, which came from Ganymed. */
final class Trilead extends Scenarios {
    private static final int STEP = 32768;

    public static void main(String[] names) throws Exception {
        main(new Trilead(), names);
    }

    @Override
    void run(String kind, String detail) throws Exception {
        Connection connection = new Connection("127.0.0.1", PORT);
        String[] chosen = {detail};
        switch (kind) {
            case "cipher":
                known(Connection.getAvailableCiphers(), detail);
                connection.setClient2ServerCiphers(chosen);
                connection.setServer2ClientCiphers(chosen);
                break;
            case "mac":
                known(Connection.getAvailableMACs(), detail);
                connection.setClient2ServerMACs(chosen);
                connection.setServer2ClientMACs(chosen);
                break;
            case "host-key":
                known(Connection.getAvailableServerHostKeyAlgorithms(), detail);
                connection.setServerHostKeyAlgorithms(chosen);
                break;
            case "kex":
                // They cannot be chosen.
                throw new Unknown();
            default:
        }
        connection.connect(null, 10_000, 10_000);
        logIn(connection, kind, detail);
        if (kind.equals("rekey")) {
            for (int pass = 0; pass < 10; pass++) {
                // It goes on by itself, beside the transfer.
                connection.forceKeyExchange();
                check(connection);
            }
        }
        check(connection);
        connection.close();
    }

    private static void known(String[] names, String name) throws Unknown {
        if (!Arrays.asList(names).contains(name)) {
            throw new Unknown();
        }
    }

    private static void logIn(Connection connection, String kind, String detail) throws Exception {
        switch (kind) {
            case "key":
                is(true, withKey(connection, detail));
                break;
            case "second-key":
                is(false, withKey(connection, "other-" + detail));
                is(true, withKey(connection, detail));
                break;
            case "password-after-key":
                is(false, withKey(connection, "other-" + detail));
                is(true, connection.authenticateWithPassword(USER, PASSWORD));
                break;
            case "keyboard-interactive":
                is(true, connection.authenticateWithKeyboardInteractive(USER, answer(PASSWORD)));
                break;
            case "second-password":
                is(false, connection.authenticateWithNone(USER));
                is(false, connection.authenticateWithPassword(USER, "wrong"));
                is(false, connection.authenticateWithKeyboardInteractive(USER, answer("wrong")));
                is(true, connection.authenticateWithPassword(USER, PASSWORD));
                break;
            default:
                is(true, connection.authenticateWithPassword(USER, PASSWORD));
        }
    }

    private static boolean withKey(Connection connection, String name) throws IOException {
        return connection.authenticateWithPublicKey(USER, new File("keys/" + name), null);
    }

    private static void is(boolean wanted, boolean letIn) throws IOException {
        if (wanted != letIn) {
            throw new IOException(letIn ? "a stranger is let in" : "not let in");
        }
    }

    private static InteractiveCallback answer(String answer) {
        return (name, instruction, count, prompts, echo) -> {
            String[] answers = new String[count];
            Arrays.fill(answers, answer);
            return answers;
        };
    }

    private static void check(Connection connection) throws Exception {
        byte[] data = read("data");
        SFTPv3Client sftp = new SFTPv3Client(connection);
        SFTPv3FileHandle file = sftp.createFileTruncate("remote");
        for (int at = 0; at < data.length; at += STEP) {
            sftp.write(file, at, data, at, Math.min(STEP, data.length - at));
        }
        sftp.closeFile(file);
        boolean listed = false;
        for (Object entry : sftp.ls(".")) {
            listed |= ((SFTPv3DirectoryEntry) entry).filename.equals("remote");
        }
        if (!listed) {
            throw new IOException("the file is not listed");
        }
        file = sftp.openFileRO("remote");
        ByteArrayOutputStream back = new ByteArrayOutputStream();
        byte[] buffer = new byte[STEP];
        for (int length = sftp.read(file, 0, buffer, 0, STEP); length > 0; ) {
            back.write(buffer, 0, length);
            length = sftp.read(file, back.size(), buffer, 0, STEP);
        }
        same(data, back.toByteArray());
        sftp.closeFile(file);
        sftp.close();
        SCPClient scp = connection.createSCPClient();
        scp.put(data, "by-scp", ".");
        ByteArrayOutputStream copy = new ByteArrayOutputStream();
        scp.get("by-scp", copy);
        same(data, copy.toByteArray());
    }
}
