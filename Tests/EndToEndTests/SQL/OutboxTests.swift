import Foundation
import Testing

extension SQLTests {
    /// Tables of an application in the same file.
    @Suite struct OutboxTests {
        private let tables = """
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL) STRICT;
            CREATE VIEW customers AS SELECT DISTINCT customer FROM orders;
            CREATE INDEX orders_customer ON orders (customer);
            CREATE TRIGGER order_added AFTER INSERT ON orders BEGIN
                INSERT INTO task (tube, body) VALUES ('orders', NEW.customer);
            END;
            """

        @Test func `a task exists if the application's transaction is committed, and only then`() throws {
            try TestBed.with(managers: 2) { bed in
                let waiting = try bed.connect(1)
                try waiting.watchOnly("orders")
                try waiting.send("reserve\r\n")
                // The managers have prepared their statements before the schema changes.
                try bed.sql(tables)
                try bed.sql("BEGIN IMMEDIATE; INSERT INTO orders (customer) VALUES ('Ada'); ROLLBACK;")
                #expect(try bed.sql("SELECT count(*) FROM task;") == "0")
                try bed.sql("BEGIN IMMEDIATE; INSERT INTO orders (customer) VALUES ('Grace'); COMMIT;")
                #expect(try waiting.task("RESERVED").body == "Grace")
                #expect(try bed.sql("SELECT customer FROM orders;") == "Grace")
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `managers accept a file with other tables`() throws {
            try TestBed.with(fixedPorts: true) { bed in
                try bed.sql(tables)
                try bed.managers[0].stop()
                try bed.sql("INSERT INTO orders (customer) VALUES ('Ada');")
                try bed.restartManager(0)
                let client = try bed.connect()
                try client.watchOnly("orders")
                #expect(try client.reserve().body == "Ada")
                try client.ask("delete 1", "DELETED")
                #expect(try bed.sql("SELECT customer FROM customers;") == "Ada")
            }
        }

        @Test func `the schema can be added to an application's file`() throws {
            try TestBed.with(managers: 0) { bed in
                try bed.sql(
                    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT); INSERT INTO orders VALUES (1, 'Ada');"
                )
                let schema = Executables.package.appendingPathComponent("schema.sql").path
                let result = try bed.run("sqlite3", ["-bail", bed.database, ".read \(schema)"])
                try #require(result.end == .exited(0), "\(result.errors)")
                try bed.startManager()
                try bed.sql("INSERT INTO task (tube, body) SELECT 'default', customer FROM orders;")
                #expect(try bed.connect().reserve().body == "Ada")
                #expect(try bed.sql("PRAGMA journal_mode;") == "wal")
                try bed.expectCountsToBeRight()
            }
        }
    }
}
