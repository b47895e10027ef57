import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What the clients share: each argument names a scenario, and a line of the output tells how it ended. */
abstract class Scenarios {
    static final int PORT = Integer.parseInt(System.getenv("PORT"));
    static final String USER = "bob";
    static final String PASSWORD = "secret";

    /** The client does not have what the scenario is about. */
    static final class Unknown extends Exception {
        private static final long serialVersionUID = 1L;
    }

    abstract void run(String kind, String detail) throws Exception;

    static void main(Scenarios client, String[] names) throws Exception {
        boolean failed = false;
        ExecutorService threads = Executors.newCachedThreadPool();
        for (String name : names) {
            String[] parts = name.split(":", 2);
            Future<Void> end = threads.submit((Callable<Void>) () -> {
                client.run(parts[0], parts.length > 1 ? parts[1] : "");
                return null;
            });
            try {
                end.get(name.equals("rekey") ? 100 : 20, TimeUnit.SECONDS);
                System.out.println("ok " + name);
            } catch (TimeoutException error) {
                failed = true;
                System.out.println("failed " + name + ": the client hangs");
            } catch (java.util.concurrent.ExecutionException error) {
                if (error.getCause() instanceof Unknown) {
                    System.out.println("unknown " + name);
                    continue;
                }
                failed = true;
                System.out.println("failed " + name + ": " + String.valueOf(error.getCause()).replace('\n', ' '));
                error.getCause().printStackTrace();
            }
        }
        System.out.flush();
        System.err.flush();
        Runtime.getRuntime().halt(failed ? 1 : 0);
    }

    static byte[] read(String name) throws IOException {
        return Files.readAllBytes(Paths.get(name));
    }

    static void same(byte[] expected, byte[] back) throws IOException {
        if (!Arrays.equals(expected, back)) {
            throw new IOException("the file came back changed");
        }
    }

    static byte[] readAll(InputStream from) throws IOException {
        ByteArrayOutputStream to = new ByteArrayOutputStream();
        byte[] buffer = new byte[1 << 16];
        for (int length = from.read(buffer); length >= 0; length = from.read(buffer)) {
            to.write(buffer, 0, length);
        }
        return to.toByteArray();
    }
}
