import java.nio.file.Paths;
import java.security.KeyPair;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.keyverifier.AcceptAllServerKeyVerifier;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.common.NamedResource;
import org.apache.sshd.common.PropertyResolver;
import org.apache.sshd.common.PropertyResolverUtils;
import org.apache.sshd.common.compression.BuiltinCompressions;
import org.apache.sshd.common.keyprovider.FileKeyPairProvider;

/** Apache MINA sshd's client, from 2.3 on. `Sftp` is in a package of its own in each version. */
final class Mina extends Scenarios {
    public static void main(String[] names) throws Exception {
        main(new Mina(), names);
    }

    @Override
    void run(String kind, String detail) throws Exception {
        try (SshClient client = SshClient.setUpDefaultClient()) {
            String local = "data";
            switch (kind) {
                case "kex":
                    client.setKeyExchangeFactories(choose(client.getKeyExchangeFactories(), detail));
                    break;
                case "cipher":
                    client.setCipherFactories(choose(client.getCipherFactories(), detail));
                    break;
                case "mac":
                    client.setMacFactories(choose(client.getMacFactories(), detail));
                    client.setCipherFactories(choose(client.getCipherFactories(), "aes128-ctr"));
                    break;
                case "host-key":
                    client.setSignatureFactories(choose(client.getSignatureFactories(), detail));
                    break;
                case "compression":
                    client.setCompressionFactoriesNames(BuiltinCompressions.delayedZlib.getName());
                    break;
                case "rekey":
                    PropertyResolver properties = client;
                    PropertyResolverUtils.updateProperty(properties, "rekey-bytes-limit", 1L << 20);
                    local = "big";
                    break;
                default:
                    break;
            }
            switch (kind) {
                case "key":
                    check(client, "data", "publickey", keys(detail));
                    break;
                case "second-key":
                    check(client, "data", "publickey", keys("other-" + detail, detail));
                    break;
                case "password-after-key":
                    check(client, "data", "publickey,password", keys("other-" + detail), PASSWORD);
                    break;
                case "keyboard-interactive":
                    check(client, "data", kind, keys(), PASSWORD);
                    break;
                case "second-password":
                    check(client, "data", "password", keys(), "wrong", PASSWORD);
                    break;
                default:
                    check(client, local, "password", keys(), PASSWORD);
            }
        }
    }

    private static <T extends NamedResource> List<T> choose(List<T> known, String name) throws Unknown {
        List<T> chosen = new ArrayList<>(known);
        chosen.removeIf(factory -> !factory.getName().equals(name));
        if (chosen.isEmpty()) {
            throw new Unknown();
        }
        return chosen;
    }

    private static List<KeyPair> keys(String... names) throws Exception {
        List<KeyPair> keys = new ArrayList<>();
        for (String name : names) {
            for (KeyPair pair : new FileKeyPairProvider(Paths.get("keys", name)).loadKeys(null)) {
                keys.add(pair);
            }
        }
        return keys;
    }

    private static void check(
            SshClient client, String local, String methods, List<KeyPair> keys, String... passwords) throws Exception {
        client.setServerKeyVerifier(AcceptAllServerKeyVerifier.INSTANCE);
        client.setUserAuthFactoriesNames(methods.split(","));
        client.start();
        try (ClientSession session = client.connect(USER, "127.0.0.1", PORT).verify(10, TimeUnit.SECONDS).getSession()) {
            for (KeyPair key : keys) {
                session.addPublicKeyIdentity(key);
            }
            for (String password : passwords) {
                session.addPasswordIdentity(password);
            }
            session.auth().verify(10, TimeUnit.SECONDS);
            same(read(local), Sftp.roundTrip(session, read(local)));
        }
    }
}
