import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A client of a chaos run, on Apache Kafka's own: it produces, reads along, or reads everything, and writes down what it
 * did and saw.
 *
 * <pre>
 * java -cp LIBS Java.java MODE --bootstrap H:P,H:P,H:P --topic T --partitions N --number K --history FILE
 *     --value-bytes B [--rate R]
 *
 * produce   an idempotent producer, called pK in the history, until standard input ends and all is answered
 * watch     a consumer of every partition from 0, called wK, until standard input ends
 * read      reads every partition from 0 to its end, as reader-K
 * </pre>
 *
 * librdkafka.py and franz-go do the same with unrelated libraries. Exit code 1: something was seen that nobody may see.
 *
 * <p>A record's value is its label, {@code K/COUNTER }, again and again, cut at B bytes: who reads a record compares all
 * of it.
 */
public final class Java {
    /** An unanswered record is given up after this time, and so is a reading that makes no progress. */
    private static final Duration DEADLINE = Duration.ofSeconds(120);

    /** Records that wait for an answer: what a producer may leave in doubt. */
    private static final int UNANSWERED_MAX = 300;

    private static final Duration POLL = Duration.ofMillis(100);
    private static final int ERRORS_SHOWN = 5;

    /** The longest label fits in. */
    private static final int VALUE_BYTES_MIN = 32;

    public static void main(String[] arguments) throws Exception {
        Options options = Options.of(arguments);
        String prefix = Map.of("produce", "p", "watch", "w", "read", "reader-").get(options.mode);
        try (History history = new History(options.history, prefix + options.number)) {
            switch (options.mode) {
                case "produce" -> new Producing(options, history).run(inputEnded());
                case "watch" -> new Reading(options, history).watch(inputEnded());
                default -> new Reading(options, history).readAll();
            }
        } catch (Trouble | KafkaException trouble) {
            // A truncated log among them: there is nothing that a consumer may be reset to.
            System.err.print(prefix + options.number + ": ");
            trouble.printStackTrace();
            System.exit(1);
        }
    }

    /** What is asked for on the command line. */
    private record Options(
            String mode,
            String bootstrap,
            String topic,
            int partitions,
            int number,
            String history,
            int valueBytes,
            double rate) {
        static Options of(String[] arguments) {
            Map<String, String> named = new HashMap<>();
            for (int at = 1; at + 1 < arguments.length; at += 2) {
                named.put(arguments[at], arguments[at + 1]);
            }
            Set<String> known =
                    Set.of("--bootstrap", "--topic", "--partitions", "--number", "--history", "--value-bytes", "--rate");
            named.putIfAbsent("--rate", "0");
            boolean complete = arguments.length % 2 == 1 && named.keySet().equals(known);
            if (!complete || !Set.of("produce", "watch", "read").contains(arguments[0])) {
                System.err.println("produce|watch|read, then each of " + known + " with its value");
                System.exit(2);
            }
            int valueBytes = Integer.parseInt(named.get("--value-bytes"));
            if (valueBytes < VALUE_BYTES_MIN) {
                System.err.println("--value-bytes: at least " + VALUE_BYTES_MIN);
                System.exit(2);
            }
            return new Options(
                    arguments[0],
                    named.get("--bootstrap"),
                    named.get("--topic"),
                    Integer.parseInt(named.get("--partitions")),
                    Integer.parseInt(named.get("--number")),
                    named.get("--history"),
                    valueBytes,
                    Double.parseDouble(named.get("--rate")));
        }
    }

    /** Something that nobody may see. */
    @SuppressWarnings("serial")
    private static final class Trouble extends RuntimeException {
        Trouble(String what) {
            super(what);
        }
    }

    /**
     * The lines of one file, sorted by time; sim/src/history.rs tells their form. Each is written out at once: a program
     * that is killed leaves what it saw.
     */
    private static final class History implements AutoCloseable {
        private final OutputStream file;
        private final String client;
        private long operations = 0;

        History(String path, String client) throws IOException {
            this.file = new FileOutputStream(path);
            this.client = client;
        }

        /** Begins an operation and returns its number. */
        synchronized long invoke(String call) {
            operations += 1;
            line(operations, "\"is\":\"invoke\",\"call\":" + call);
            return operations;
        }

        synchronized void ok(long op, String reply) {
            line(op, "\"is\":\"ok\",\"reply\":" + reply);
        }

        synchronized void info(long op, String error) {
            line(op, "\"is\":\"info\",\"error\":" + quoted(error));
        }

        @Override
        public synchronized void close() throws IOException {
            file.close();
        }

        /** On Linux nanoTime is CLOCK_MONOTONIC, as it is. */
        private void line(long op, String step) {
            String line = "{\"t\":" + System.nanoTime() + ",\"client\":\"" + client + "\",\"op\":" + op + "," + step + "}\n";
            try {
                file.write(line.getBytes(StandardCharsets.UTF_8));
            } catch (IOException why) {
                throw new UncheckedIOException(why);
            }
        }

        static String quoted(String text) {
            StringBuilder quoted = new StringBuilder("\"");
            for (char c : text.toCharArray()) {
                quoted.append(c < ' ' || c == '"' || c == '\\' ? String.format("\\u%04x", (int) c) : c);
            }
            return quoted.append('"').toString();
        }
    }

    /** What records hold. */
    private record Values(int bytes) {
        private static final Pattern LABEL = Pattern.compile("((?:0|[1-9]\\d*)/(?:0|[1-9]\\d*)) .*", Pattern.DOTALL);

        byte[] of(String label) {
            byte[] piece = (label + " ").getBytes(StandardCharsets.US_ASCII);
            byte[] value = new byte[bytes];
            IntStream.range(0, bytes).forEach(at -> value[at] = piece[at % piece.length]);
            return value;
        }

        /** The label of a value that was read, once all of it has been found to be as it was sent. */
        String label(ConsumerRecord<byte[], byte[]> record) {
            byte[] value = record.value() == null ? new byte[0] : record.value();
            Matcher found = LABEL.matcher(new String(value, StandardCharsets.ISO_8859_1));
            if (!found.matches() || !Arrays.equals(value, of(found.group(1)))) {
                String begin = new String(value, 0, Math.min(40, value.length), StandardCharsets.ISO_8859_1);
                String place = record.topic() + "-" + record.partition() + " at " + record.offset();
                throw new Trouble(place + " holds " + value.length + " bytes that nobody sent: " + begin + "...");
            }
            return found.group(1);
        }
    }

    /** Sends records, round robin over the partitions. */
    private static final class Producing {
        private final Options options;
        private final History history;
        private final Values values;
        private final KafkaProducer<byte[], byte[]> producer;
        private final Semaphore unanswered = new Semaphore(UNANSWERED_MAX);
        private final List<String> errors = new ArrayList<>();
        private long counter = 0;

        Producing(Options options, History history) {
            this.options = options;
            this.history = history;
            this.values = new Values(options.valueBytes);
            Map<String, Object> properties = Map.of(
                    "bootstrap.servers", options.bootstrap,
                    "enable.idempotence", true,
                    "acks", "all",
                    "linger.ms", 1,
                    "delivery.timeout.ms", (int) DEADLINE.toMillis(),
                    "max.block.ms", DEADLINE.toMillis(),
                    "reconnect.backoff.max.ms", 200);
            this.producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
        }

        void run(CountDownLatch stopping) throws InterruptedException {
            long interval = options.rate > 0 ? (long) (1e9 / options.rate) : 0;
            long due = System.nanoTime();
            while (!stopping.await(due - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                if (unanswered.tryAcquire(POLL.toMillis(), TimeUnit.MILLISECONDS)) {
                    // What was missed while nothing was answered is not made up for.
                    due = Math.max(due + interval, System.nanoTime());
                    send();
                }
            }
            if (!unanswered.tryAcquire(UNANSWERED_MAX, 2 * DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
                throw new Trouble(UNANSWERED_MAX - unanswered.availablePermits() + " records without an answer");
            }
            producer.close();
            System.out.println("errors: " + errors.size());
            errors.stream().limit(ERRORS_SHOWN).forEach(System.out::println);
        }

        private void send() {
            String label = options.number + "/" + counter;
            int partition = (int) (counter % options.partitions);
            counter += 1;
            long op = history.invoke("{\"produce\":{\"topic\":%s,\"partition\":%d,\"acks\":-1,\"values\":[\"%s\"]}}"
                    .formatted(History.quoted(options.topic), partition, label));
            // The producer tells its answers from one thread, and from this one what it doesn't take at all.
            producer.send(new ProducerRecord<>(options.topic, partition, null, values.of(label)), (place, error) -> {
                if (error == null) {
                    history.ok(op, "{\"produced\":{\"base\":" + place.offset() + "}}");
                } else {
                    // Whatever the last answer was: nobody knows what became of those before it.
                    history.info(op, error.toString());
                    synchronized (errors) {
                        errors.add(label + ": " + error);
                    }
                }
                unanswered.release();
            });
        }
    }

    /** A consumer by assignment, from the start of every partition: what it reads is compared and written down. */
    private static final class Reading {
        private final Options options;
        private final History history;
        private final Values values;
        private final KafkaConsumer<byte[], byte[]> consumer;
        private final List<TopicPartition> places;
        private final Map<TopicPartition, Long> next = new HashMap<>();
        private final Map<TopicPartition, Long> told = new HashMap<>();

        Reading(Options options, History history) {
            this.options = options;
            this.history = history;
            this.values = new Values(options.valueBytes);
            Map<String, Object> properties = Map.of(
                    "bootstrap.servers", options.bootstrap,
                    "auto.offset.reset", "none",
                    "reconnect.backoff.max.ms", 200);
            this.consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
            this.places = IntStream.range(0, options.partitions).mapToObj(p -> new TopicPartition(options.topic, p)).toList();
            consumer.assign(places);
            for (TopicPartition place : places) {
                history.ok(history.invoke("{\"assign\":" + from(place, 0) + "}"), "\"done\"");
                consumer.seek(place, 0);
                next.put(place, 0L);
                told.put(place, 0L);
            }
        }

        void watch(CountDownLatch stopping) {
            while (stopping.getCount() > 0) {
                poll();
            }
            consumer.close();
        }

        void readAll() {
            Map<TopicPartition, Long> ends = consumer.endOffsets(places, DEADLINE);
            long progress = System.nanoTime();
            while (places.stream().anyMatch(place -> next.get(place) < ends.get(place))) {
                if (poll() > 0) {
                    progress = System.nanoTime();
                } else if (System.nanoTime() - progress > DEADLINE.toNanos()) {
                    throw new Trouble("read up to " + next + " of " + ends);
                }
            }
            places.forEach(place -> polled(place, List.of(), ends.get(place)));
            consumer.close();
        }

        /** Takes what has arrived; returns how many records. */
        private int poll() {
            ConsumerRecords<byte[], byte[]> polled = consumer.poll(POLL);
            for (TopicPartition place : polled.partitions()) {
                List<ConsumerRecord<byte[], byte[]>> records = polled.records(place);
                long position = records.get(records.size() - 1).offset() + 1;
                polled(place, records, position + consumer.currentLag(place).orElse(0));
            }
            return polled.count();
        }

        /**
         * Notes a poll's records. The high watermark is the highest that the consumer was told: a new leader may tell of
         * less at first (KIP-207), but what is committed stays so. The log starts at 0, or nobody could read from there.
         */
        private void polled(TopicPartition place, List<ConsumerRecord<byte[], byte[]>> records, long watermark) {
            List<String> pairs = records.stream().map(r -> "[%d,\"%s\"]".formatted(r.offset(), values.label(r))).toList();
            long op = history.invoke("{\"fetch\":" + from(place, next.get(place)) + "}");
            for (ConsumerRecord<byte[], byte[]> record : records) {
                next.put(place, record.offset() + 1);
            }
            told.merge(place, Math.max(watermark, next.get(place)), Math::max);
            history.ok(op, "{\"fetched\":{\"high_watermark\":%d,\"log_start\":0,\"records\":[%s]}}"
                    .formatted(told.get(place), String.join(",", pairs)));
        }

        private static String from(TopicPartition place, long offset) {
            String topic = History.quoted(place.topic());
            return "{\"topic\":%s,\"partition\":%d,\"from\":%d}".formatted(topic, place.partition(), offset);
        }
    }

    /** A latch that opens at the end of standard input. */
    private static CountDownLatch inputEnded() {
        CountDownLatch ended = new CountDownLatch(1);
        Thread waiting = new Thread(() -> {
            try {
                System.in.transferTo(OutputStream.nullOutputStream());
            } catch (IOException why) {
                throw new UncheckedIOException(why);
            } finally {
                ended.countDown();
            }
        });
        waiting.setDaemon(true);
        waiting.start();
        return ended;
    }
}
