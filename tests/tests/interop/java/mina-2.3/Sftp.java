import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.client.subsystem.sftp.SftpClient;
import org.apache.sshd.client.subsystem.sftp.SftpClientFactory;

final class Sftp {
    private Sftp() {}

    /** Puts, lists and gets a file. */
    static byte[] roundTrip(ClientSession session, byte[] data) throws IOException {
        try (SftpClient sftp = SftpClientFactory.instance().createSftpClient(session)) {
            try (OutputStream to = sftp.write("remote")) {
                to.write(data);
            }
            boolean listed = false;
            for (SftpClient.DirEntry entry : sftp.readDir(".")) {
                listed |= entry.getFilename().equals("remote");
            }
            if (!listed) {
                throw new IOException("the file is not listed");
            }
            try (InputStream from = sftp.read("remote")) {
                return Scenarios.readAll(from);
            }
        }
    }
}
