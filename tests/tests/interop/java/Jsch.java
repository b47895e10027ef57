import com.jcraft.jsch.ChannelSftp;
import com.jcraft.jsch.JSch;
import com.jcraft.jsch.JSchException;
import com.jcraft.jsch.Session;
import com.jcraft.jsch.UIKeyboardInteractive;
import com.jcraft.jsch.UserInfo;
import java.io.ByteArrayInputStream;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Vector;

/** JSch, the first one and its successor. */
final class Jsch extends Scenarios {
    public static void main(String[] names) throws Exception {
        main(new Jsch(), names);
    }

    @Override
    void run(String kind, String detail) throws Exception {
        JSch jsch = new JSch();
        Session session = jsch.getSession(USER, "127.0.0.1", PORT);
        session.setConfig("StrictHostKeyChecking", "no");
        String methods = "password";
        Answers answers = new Answers(PASSWORD);
        switch (kind) {
            case "password":
                break;
            case "kex":
                choose(session, "kex", detail);
                break;
            case "cipher":
                choose(session, "cipher.c2s", detail);
                choose(session, "cipher.s2c", detail);
                break;
            case "mac":
                choose(session, "mac.c2s", detail);
                choose(session, "mac.s2c", detail);
                session.setConfig("cipher.c2s", "aes128-ctr");
                session.setConfig("cipher.s2c", "aes128-ctr");
                break;
            case "host-key":
                choose(session, "server_host_key", detail);
                break;
            case "key":
                methods = "publickey";
                jsch.addIdentity("keys/" + detail);
                break;
            case "second-key":
                methods = "publickey";
                jsch.addIdentity("keys/other-" + detail);
                jsch.addIdentity("keys/" + detail);
                break;
            case "password-after-key":
                methods = "publickey,password";
                jsch.addIdentity("keys/other-" + detail);
                break;
            case "keyboard-interactive":
                methods = kind;
                break;
            case "second-password":
                answers = new Answers("wrong", PASSWORD);
                break;
            default:
                throw new Unknown();
        }
        session.setConfig("PreferredAuthentications", methods);
        session.setUserInfo(answers);
        session.connect(10_000);
        check(session);
        if (kind.equals("second-password")) {
            session = jsch.getSession(USER, "127.0.0.1", PORT);
            session.setConfig("StrictHostKeyChecking", "no");
            session.setConfig("PreferredAuthentications", "keyboard-interactive");
            session.setUserInfo(new Answers("wrong", PASSWORD));
            session.connect(10_000);
            check(session);
        }
    }

    /** A name is known when there is a class for it. */
    private static void choose(Session session, String list, String name) throws Unknown {
        if (JSch.getConfig(name) == null) {
            throw new Unknown();
        }
        session.setConfig(list, name);
    }

    private static void check(Session session) throws Exception {
        byte[] data = read("data");
        ChannelSftp sftp = (ChannelSftp) session.openChannel("sftp");
        sftp.connect(10_000);
        sftp.put(new ByteArrayInputStream(data), "remote");
        Vector<?> list = sftp.ls("remote");
        if (list.size() != 1) {
            throw new JSchException("the file is not listed");
        }
        same(data, readAll(sftp.get("remote")));
        sftp.disconnect();
        session.disconnect();
    }

    /** Answers each question by the next of a list. */
    private static final class Answers implements UserInfo, UIKeyboardInteractive {
        private final Deque<String> left;

        Answers(String... answers) {
            left = new ArrayDeque<>(Arrays.asList(answers));
        }

        @Override
        public String getPassword() {
            return left.poll();
        }

        @Override
        public boolean promptPassword(String message) {
            return !left.isEmpty();
        }

        @Override
        public String[] promptKeyboardInteractive(
                String destination, String name, String instruction, String[] prompt, boolean[] echo) {
            if (prompt.length == 0) {
                return new String[0];
            }
            return left.isEmpty() ? null : new String[] {left.poll()};
        }

        @Override
        public String getPassphrase() {
            return null;
        }

        @Override
        public boolean promptPassphrase(String message) {
            return false;
        }

        @Override
        public boolean promptYesNo(String message) {
            return true;
        }

        @Override
        public void showMessage(String message) {}
    }
}
