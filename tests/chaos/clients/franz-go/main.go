// A client of a chaos run, on franz-go: it produces, reads along, or reads everything, and writes down what it did and saw.
//
//	franz-go MODE --bootstrap H:P,H:P,H:P --topic T --partitions N --number K --history FILE --value-bytes B [--rate R]
//
//	produce   an idempotent producer, called pK in the history, until standard input ends and all is answered
//	watch     a consumer of every partition from 0, called wK, until standard input ends
//	read      reads every partition from 0 to its end, as reader-K
//
// librdkafka.py and Java.java do the same with unrelated libraries. Exit code 1: something was seen that nobody may ever see.
//
// A record's value is its label, `K/COUNTER `, again and again, cut at B bytes: who reads a record compares all of it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sys/unix"
)

const (
	// An unanswered record is given up after this time, and so is a reading that makes no progress.
	deadline = 120 * time.Second
	// Records that wait for an answer: what a producer may leave in doubt.
	unansweredMax = 300
	// Records of one poll.
	pollMax = 500
	// The client's backoff of retries and of metadata, by default up to seconds.
	backoff     = 100 * time.Millisecond
	errorsShown = 5
	// The longest label fits in.
	valueBytesMin = 32
)

type options struct {
	mode, bootstrap, topic, history string
	partitions, number, valueBytes  int
	rate                            float64
}

func parse(arguments []string) options {
	var o options
	flags := flag.NewFlagSet("franz-go produce|watch|read", flag.ExitOnError)
	flags.StringVar(&o.bootstrap, "bootstrap", "", "addresses of brokers, with commas between them")
	flags.StringVar(&o.topic, "topic", "", "the topic")
	flags.IntVar(&o.partitions, "partitions", 0, "how many it has")
	flags.IntVar(&o.number, "number", 0, "the client's number")
	flags.StringVar(&o.history, "history", "", "the file to write")
	flags.IntVar(&o.valueBytes, "value-bytes", 0, fmt.Sprintf("of each record, at least %d", valueBytesMin))
	flags.Float64Var(&o.rate, "rate", 0, "records a second at most; 0: as many as it can")
	if len(arguments) > 0 {
		o.mode = arguments[0]
		flags.Parse(arguments[1:])
	}
	known := o.mode == "produce" || o.mode == "watch" || o.mode == "read"
	if !known || o.bootstrap == "" || o.topic == "" || o.history == "" || o.partitions < 1 || o.valueBytes < valueBytesMin {
		flags.Usage()
		os.Exit(2)
	}
	return o
}

func main() {
	log.SetFlags(0)
	o := parse(os.Args[1:])
	client := fmt.Sprint(map[string]string{"produce": "p", "watch": "w", "read": "reader-"}[o.mode], o.number)
	log.SetPrefix(client + ": ")
	h := openHistory(o.history, client)
	switch o.mode {
	case "produce":
		newProducing(o, h).run(inputEnded())
	case "watch":
		newReading(o, h).watch(inputEnded())
	case "read":
		newReading(o, h).readAll()
	}
}

// history is the lines of one file, sorted by time; sim/src/history.rs tells their form. Each is written out at once: a
// program that is killed leaves what it saw.
type history struct {
	sync.Mutex
	file       *os.File
	client     string
	operations int64
}

type object = map[string]any

type line struct {
	Time   int64  `json:"t"`
	Client string `json:"client"`
	Op     int64  `json:"op"`
	Is     string `json:"is"`
	Call   object `json:"call,omitempty"`
	Reply  any    `json:"reply,omitempty"`
	Error  string `json:"error,omitempty"`
}

func openHistory(path, client string) *history {
	file, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	return &history{file: file, client: client}
}

// invoke begins an operation and returns its number.
func (h *history) invoke(call object) int64 {
	h.Lock()
	defer h.Unlock()
	h.operations++
	h.write(line{Op: h.operations, Is: "invoke", Call: call})
	return h.operations
}

func (h *history) ok(op int64, reply any) {
	h.Lock()
	defer h.Unlock()
	h.write(line{Op: op, Is: "ok", Reply: reply})
}

func (h *history) info(op int64, why error) {
	h.Lock()
	defer h.Unlock()
	h.write(line{Op: op, Is: "info", Error: why.Error()})
}

func (h *history) write(l line) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		log.Fatal(err)
	}
	l.Time, l.Client = now.Nano(), h.client
	text, err := json.Marshal(l)
	if err == nil {
		_, err = h.file.Write(append(text, '\n'))
	}
	if err != nil {
		log.Fatal(err)
	}
}

func valueOf(label string, valueBytes int) []byte {
	piece := []byte(label + " ")
	return bytes.Repeat(piece, valueBytes/len(piece)+1)[:valueBytes]
}

var labelled = regexp.MustCompile(`^((?:0|[1-9]\d*)/(?:0|[1-9]\d*)) `)

// labelOf returns the label of a value that was read, once all of it has been found to be as it was sent.
func labelOf(record *kgo.Record, valueBytes int) string {
	label := labelled.FindSubmatch(record.Value)
	if label == nil || !bytes.Equal(record.Value, valueOf(string(label[1]), valueBytes)) {
		begin := record.Value[:min(40, len(record.Value))]
		place := fmt.Sprintf("%s-%d at %d", record.Topic, record.Partition, record.Offset)
		log.Fatalf("%s holds %d bytes that nobody sent: %q...", place, len(record.Value), begin)
	}
	return string(label[1])
}

// producing sends records, round robin over the partitions.
type producing struct {
	options
	history    *history
	client     *kgo.Client
	unanswered chan struct{}
	counter    int64
	errors     struct {
		sync.Mutex
		told []string
	}
}

func newProducing(o options, h *history) *producing {
	p := &producing{options: o, history: h, unanswered: make(chan struct{}, unansweredMax)}
	p.client = newClient(o,
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(time.Millisecond),
		kgo.RecordDeliveryTimeout(deadline),
		// The client would go on under a new producer id and tell nobody.
		kgo.ProducerOnDataLossDetected(func(topic string, partition int32) {
			p.failed(fmt.Sprintf("data loss on %s-%d", topic, partition))
		}),
	)
	return p
}

func (p *producing) run(stopping context.Context) {
	interval := time.Duration(0)
	if p.rate > 0 {
		interval = time.Duration(float64(time.Second) / p.rate)
	}
	due := time.Now()
	for stopping.Err() == nil {
		select {
		case <-time.After(time.Until(due)):
		case <-stopping.Done():
			continue
		}
		select {
		case p.unanswered <- struct{}{}:
			// What was missed while nothing was answered is not made up for.
			due = later(due.Add(interval), time.Now())
			p.send()
		case <-stopping.Done():
		}
	}
	ending, cancel := context.WithTimeout(context.Background(), 2*deadline)
	defer cancel()
	if err := p.client.Flush(ending); err != nil {
		log.Fatalf("%d records without an answer", len(p.unanswered))
	}
	fmt.Printf("errors: %d\n", len(p.errors.told))
	for _, told := range p.errors.told[:min(errorsShown, len(p.errors.told))] {
		fmt.Println(told)
	}
}

func (p *producing) send() {
	label := fmt.Sprintf("%d/%d", p.number, p.counter)
	partition := int32(p.counter % int64(p.partitions))
	p.counter++
	call := object{"topic": p.topic, "partition": partition, "acks": -1, "values": []string{label}}
	op := p.history.invoke(object{"produce": call})
	record := &kgo.Record{Topic: p.topic, Partition: partition, Value: valueOf(label, p.valueBytes)}
	p.client.Produce(context.Background(), record, func(answered *kgo.Record, err error) {
		if err == nil {
			p.history.ok(op, object{"produced": object{"base": answered.Offset}})
		} else {
			// Whatever the last answer was: nobody knows what became of those before it.
			p.history.info(op, err)
			p.failed(fmt.Sprintf("%s: %v", label, err))
		}
		<-p.unanswered
	})
}

func (p *producing) failed(what string) {
	p.errors.Lock()
	defer p.errors.Unlock()
	p.errors.told = append(p.errors.told, what)
}

// reading is a consumer by assignment, from the start of every partition: what it reads is compared and written down.
type reading struct {
	options
	history *history
	client  *kgo.Client
	// By partition: the next offset, and the highest watermark told.
	next, told []int64
}

func newReading(o options, h *history) *reading {
	start := map[int32]kgo.Offset{}
	for partition := range int32(o.partitions) {
		start[partition] = kgo.NewOffset().At(0)
		call := object{"topic": o.topic, "partition": partition, "from": 0}
		h.ok(h.invoke(object{"assign": call}), "done")
	}
	client := newClient(o,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{o.topic: start}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	)
	return &reading{o, h, client, make([]int64, o.partitions), make([]int64, o.partitions)}
}

func (r *reading) watch(stopping context.Context) {
	for stopping.Err() == nil {
		r.poll(stopping)
	}
}

func (r *reading) readAll() {
	ends := r.ends()
	for r.left(ends) {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		if r.poll(ctx) == 0 && ctx.Err() != nil {
			log.Fatalf("read up to %v of %v", r.next, ends)
		}
		cancel()
	}
	for partition, end := range ends {
		r.polled(int32(partition), nil, end)
	}
}

func (r *reading) left(ends []int64) bool {
	for partition, end := range ends {
		if r.next[partition] < end {
			return true
		}
	}
	return false
}

// poll waits for records and takes what has arrived; returns how many.
func (r *reading) poll(ctx context.Context) int {
	polled := r.client.PollRecords(ctx, pollMax)
	polled.EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) > 0 {
			r.polled(p.Partition, p.Records, p.HighWatermark)
		}
	})
	polled.EachError(func(topic string, partition int32, err error) {
		// Any other is the end, ErrDataLoss among them: there is nothing that a consumer may be reset to.
		if ctx.Err() == nil && !kerr.IsRetriable(err) && !kgo.IsRetryableBrokerErr(err) {
			log.Fatalf("%s-%d: %v", topic, partition, err)
		}
	})
	return polled.NumRecords()
}

// polled notes a poll's records. The high watermark is the highest that the consumer was told: a new leader may tell of
// less at first (KIP-207), but what is committed stays so. The log starts at 0, or nobody could read from there.
func (r *reading) polled(partition int32, records []*kgo.Record, told int64) {
	labels := [][2]any{}
	for _, record := range records {
		labels = append(labels, [2]any{record.Offset, labelOf(record, r.valueBytes)})
	}
	call := object{"topic": r.topic, "partition": partition, "from": r.next[partition]}
	op := r.history.invoke(object{"fetch": call})
	if len(records) > 0 {
		r.next[partition] = records[len(records)-1].Offset + 1
	}
	r.told[partition] = max(r.told[partition], told, r.next[partition])
	reply := object{"high_watermark": r.told[partition], "log_start": 0, "records": labels}
	r.history.ok(op, object{"fetched": reply})
}

// ends asks for the end of each partition. A leader that was elected just now may not know it yet.
func (r *reading) ends() []int64 {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	for {
		listed, err := kadm.NewClient(r.client).ListEndOffsets(ctx, r.topic)
		if err = errors.Join(err, listed.Error()); err == nil {
			ends := make([]int64, r.partitions)
			for partition := range ends {
				end, found := listed.Lookup(r.topic, int32(partition))
				if !found {
					log.Fatalf("%s has no partition %d", r.topic, partition)
				}
				ends[partition] = end.Offset
			}
			return ends
		}
		if ctx.Err() != nil {
			log.Fatal(err)
		}
		time.Sleep(backoff)
	}
}

func newClient(o options, more ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append(more,
		kgo.SeedBrokers(strings.Split(o.bootstrap, ",")...),
		kgo.RetryBackoffFn(func(int) time.Duration { return backoff }),
		kgo.MetadataMinAge(backoff),
		// A broker that stops may close a connection before its first answer; without this that counts as a mistake in the
		// client's settings, and ends it.
		kgo.AlwaysRetryEOF(),
	)...)
	if err != nil {
		log.Fatal(err)
	}
	return client
}

// inputEnded returns a context that ends with standard input.
func inputEnded() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		io.Copy(io.Discard, os.Stdin)
	}()
	return ctx
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
