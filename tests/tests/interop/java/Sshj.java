import java.lang.reflect.Method;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import net.schmizz.sshj.DefaultConfig;
import net.schmizz.sshj.SSHClient;
import net.schmizz.sshj.common.Factory;
import net.schmizz.sshj.sftp.RemoteResourceInfo;
import net.schmizz.sshj.sftp.SFTPClient;
import net.schmizz.sshj.transport.verification.PromiscuousVerifier;
import net.schmizz.sshj.userauth.keyprovider.KeyProvider;
import net.schmizz.sshj.userauth.method.AuthKeyboardInteractive;
import net.schmizz.sshj.userauth.method.AuthMethod;
import net.schmizz.sshj.userauth.method.AuthPassword;
import net.schmizz.sshj.userauth.method.AuthPublickey;
import net.schmizz.sshj.userauth.method.PasswordResponseProvider;
import net.schmizz.sshj.userauth.password.PasswordFinder;
import net.schmizz.sshj.userauth.password.Resource;
import net.schmizz.sshj.xfer.FileSystemFile;

/** sshj, from 0.10 on. */
final class Sshj extends Scenarios {
    public static void main(String[] names) throws Exception {
        main(new Sshj(), names);
    }

    @Override
    void run(String kind, String detail) throws Exception {
        DefaultConfig config = new DefaultConfig();
        switch (kind) {
            case "kex":
                choose(config, "KeyExchangeFactories", detail);
                break;
            case "cipher":
                choose(config, "CipherFactories", detail);
                break;
            case "mac":
                choose(config, "MACFactories", detail);
                choose(config, "CipherFactories", "aes128-ctr");
                break;
            case "host-key":
                // They were the same list once.
                choose(config, hasKeyAlgorithms() ? "KeyAlgorithms" : "SignatureFactories", detail);
                break;
            default:
                break;
        }
        switch (kind) {
            case "key":
                check(config, kind, new String[] {detail});
                break;
            case "second-key":
                check(config, "key", new String[] {"other-" + detail, detail});
                break;
            case "password-after-key":
                check(config, "key", new String[] {"other-" + detail}, PASSWORD);
                break;
            case "keyboard-interactive":
                check(config, kind, new String[0], PASSWORD);
                break;
            case "second-password":
                check(config, "password", new String[0], "wrong", PASSWORD);
                check(config, "keyboard-interactive", new String[0], "wrong", PASSWORD);
                break;
            default:
                check(config, kind, new String[0], PASSWORD);
        }
    }

    private static boolean hasKeyAlgorithms() {
        return Arrays.stream(DefaultConfig.class.getMethods()).anyMatch(method -> method.getName().equals("getKeyAlgorithms"));
    }

    /** Leaves one algorithm in a list of the configuration. */
    private static void choose(DefaultConfig config, String list, String name) throws Exception {
        List<Object> chosen = new ArrayList<>();
        for (Object factory : (List<?>) DefaultConfig.class.getMethod("get" + list).invoke(config)) {
            if (((Factory.Named<?>) factory).getName().equals(name)) {
                chosen.add(factory);
            }
        }
        if (chosen.isEmpty()) {
            throw new Unknown();
        }
        for (Method method : DefaultConfig.class.getMethods()) {
            if (method.getName().equals("set" + list) && method.getParameterTypes()[0] == List.class) {
                method.invoke(config, chosen);
            }
        }
    }

    private static void check(DefaultConfig config, String kind, String[] keys, String... passwords) throws Exception {
        try (SSHClient client = new SSHClient(config)) {
            client.addHostKeyVerifier(new PromiscuousVerifier());
            client.connect("127.0.0.1", PORT);
            if (kind.equals("compression")) {
                client.useCompression();
            }
            List<AuthMethod> methods = new ArrayList<>();
            for (String key : keys) {
                KeyProvider provider = client.loadKeys("keys/" + key);
                methods.add(new AuthPublickey(provider));
            }
            if (kind.equals("keyboard-interactive")) {
                methods.add(new AuthKeyboardInteractive(new PasswordResponseProvider(new Passwords(passwords))));
            } else if (passwords.length > 0) {
                methods.add(new AuthPassword(new Passwords(passwords)));
            }
            client.auth(USER, methods);
            try (SFTPClient sftp = client.newSFTPClient()) {
                sftp.put(new FileSystemFile("data"), "remote");
                boolean listed = false;
                for (RemoteResourceInfo entry : sftp.ls(".")) {
                    listed |= entry.getName().equals("remote");
                }
                if (!listed) {
                    throw new Exception("the file is not listed");
                }
                sftp.get("remote", new FileSystemFile("back"));
                same(read("data"), read("back"));
            }
        }
    }

    private static final class Passwords implements PasswordFinder {
        private final Deque<String> left;

        Passwords(String... passwords) {
            left = new ArrayDeque<>(Arrays.asList(passwords));
        }

        @Override
        public char[] reqPassword(Resource<?> resource) {
            return left.isEmpty() ? null : left.poll().toCharArray();
        }

        @Override
        public boolean shouldRetry(Resource<?> resource) {
            return !left.isEmpty();
        }
    }
}
