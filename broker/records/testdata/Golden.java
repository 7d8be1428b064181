// Writes the *.batch files of this directory with Kafka's own builder, for src/batch_golden_test.rs to read.
//
//   javac -cp 'kafka_2.13-4.3.0/libs/*' Golden.java && java -cp 'kafka_2.13-4.3.0/libs/*:.' Golden .

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.KRaftVersionRecord;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.message.SnapshotFooterRecord;
import org.apache.kafka.common.message.SnapshotHeaderRecord;
import org.apache.kafka.common.message.VotersRecord;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;

public class Golden {
    static Path directory;

    public static void main(String[] arguments) throws Exception {
        directory = Path.of(arguments[0]);
        for (CompressionType type : CompressionType.values())
            write(type.name, records(type));
        write("log_append_time", logAppendTime());
        write("control", control());
        write("commit_marker", MemoryRecords.withEndTransactionMarker(
            30, 99, 6, 77, (short) 3, new EndTransactionMarker(ControlRecordType.COMMIT, 21)));
    }

    static MemoryRecords records(CompressionType type) {
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(1 << 20), (byte) 2,
            Compression.of(type).build(), TimestampType.CREATE_TIME, 1000, -1, 77, (short) 3, 41, true, false, 9);
        for (int i = 0; i < 50; i++) {
            byte[] value = i == 7 ? null : ("value of record " + i + " ").repeat(4).getBytes();
            Header[] none = new Header[0];
            Header[] two = {new RecordHeader("h" + i, new byte[] {(byte) i}), new RecordHeader("n", (byte[]) null)};
            builder.append(1700000000000L + i * 37 % 50, ("key-" + i).getBytes(), value, i % 5 == 0 ? two : none);
        }
        return builder.build();
    }

    static MemoryRecords logAppendTime() {
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(1 << 10), (byte) 2, Compression.NONE,
            TimestampType.LOG_APPEND_TIME, 5, 1234567, -1, (short) -1, -1, false, false, 0);
        builder.append(55, null, "v".getBytes());
        return builder.build();
    }

    static MemoryRecords control() {
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(ByteBuffer.allocate(1 << 10), (byte) 2, Compression.NONE,
            TimestampType.CREATE_TIME, 12, -1, -1, (short) -1, -1, false, true, 4, 1 << 10);
        LeaderChangeMessage.Voter one = new LeaderChangeMessage.Voter().setVoterId(1);
        LeaderChangeMessage.Voter two = new LeaderChangeMessage.Voter().setVoterId(2);
        builder.appendLeaderChangeMessage(99, new LeaderChangeMessage().setVersion((short) 0).setLeaderId(1)
            .setVoters(List.of(one, two)).setGrantingVoters(List.of(one)));
        builder.appendSnapshotHeaderMessage(99, new SnapshotHeaderRecord().setLastContainedLogTimestamp(98));
        builder.appendSnapshotFooterMessage(99, new SnapshotFooterRecord());
        builder.appendKRaftVersionMessage(99, new KRaftVersionRecord().setKRaftVersion((short) 1));
        VotersRecord.EndpointCollection endpoints = new VotersRecord.EndpointCollection();
        endpoints.add(new VotersRecord.Endpoint().setName("CONTROLLER").setHost("localhost").setPort(65000));
        builder.appendVotersMessage(99, new VotersRecord().setVoters(List.of(new VotersRecord.Voter().setVoterId(1)
            .setVoterDirectoryId(Uuid.fromString("J8aAPcfLQt2bqs1JT_rMgQ")).setEndpoints(endpoints)
            .setKRaftVersionFeature(new VotersRecord.KRaftVersionFeature().setMaxSupportedVersion((short) 1)))));
        return builder.build();
    }

    static void write(String name, MemoryRecords records) throws Exception {
        ByteBuffer buffer = records.buffer().duplicate();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        Files.write(directory.resolve(name + ".batch"), bytes);
    }
}
