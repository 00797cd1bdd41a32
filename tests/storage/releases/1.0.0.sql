BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE alert (
	id INTEGER NOT NULL, 
	"key" VARCHAR(160) NOT NULL, 
	kind VARCHAR(64) NOT NULL, 
	urgent BOOLEAN NOT NULL, 
	session DATE, 
	transitions JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	fan_out_cursor BIGINT, 
	fanned_out_at DATETIME, 
	audience VARCHAR(16) DEFAULT 'subscribers' NOT NULL, 
	stopped_reason VARCHAR(500), 
	kinds BIGINT NOT NULL, 
	chart VARCHAR(64), 
	plain BOOLEAN DEFAULT 0 NOT NULL, 
	facts JSON, 
	CONSTRAINT pk_alert PRIMARY KEY (id), 
	CONSTRAINT fk_alert_session FOREIGN KEY(session) REFERENCES verdict (session), 
	CONSTRAINT uq_alert_key UNIQUE ("key")
);
INSERT INTO "alert" VALUES(1,'key','stage.up',0,'2020-11-17','[3]','2020-11-17 22:30:00.250000',NULL,NULL,'subscribers',NULL,262143,NULL,0,NULL);
INSERT INTO "alert" VALUES(2,'correction:1','correction',1,NULL,'[]','2020-11-17 22:30:00.250000',NULL,NULL,'corrected',NULL,-1,NULL,0,NULL);
INSERT INTO "alert" VALUES(3,'broadcast:2','broadcast',0,NULL,'[]','2020-11-17 22:30:00.250000',NULL,NULL,'subscribers',NULL,-1,NULL,0,NULL);
CREATE TABLE board (
	id INTEGER NOT NULL, 
	chat_id BIGINT NOT NULL, 
	message_id BIGINT, 
	thread_id BIGINT, 
	step VARCHAR(16) NOT NULL, 
	shows DATE, 
	state VARCHAR(16) NOT NULL, 
	not_before DATETIME, 
	lease_until DATETIME, 
	attempts INTEGER DEFAULT 0 NOT NULL, 
	error VARCHAR(500), 
	CONSTRAINT pk_board PRIMARY KEY (id)
);
INSERT INTO "board" VALUES(7,7,7,7,'"é"','2020-11-17','"é"','2020-11-18 06:07:08.000009','2020-11-18 06:07:08.000009',7,'"é"');
CREATE TABLE chain (
	number BIGINT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	"key" VARCHAR(32) NOT NULL, 
	written VARCHAR(1000) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_chain PRIMARY KEY (number), 
	CONSTRAINT uq_chain_kind_key UNIQUE (kind, "key")
);
INSERT INTO "chain" VALUES(1,'verdict','2020-11-16','["verdict","2020-11-16","2020-11-17T22:30:00.250000Z","3","606a9c4193909e0c05e91a250d9b9f57b108484c01aa457e48b4a7cbe5f35890"]','d24165528ac6d2e2f31c41a52db1e85f0658d801ecd40636ea58b30aecd7b882');
INSERT INTO "chain" VALUES(2,'transition','2','["transition","2","2020-11-16","breakout.resumed","breakout:2020-11-13","2020-11-16","","",null]','2eed0909c69bca68172a3f720d7494e854ffbf2aa9b63c91050ac9f96328031e');
INSERT INTO "chain" VALUES(3,'verdict','2020-11-17','["verdict","2020-11-17","2020-11-17T22:30:00.250000Z","3","1532c131100fb1c1f8f3f08c4d2bbf38e91c814c1d9c725d5c15b46e6c25f92a"]','e19895971b470470f33812a7883a5509b115edfe4cad23ac1d675af9fd190458');
INSERT INTO "chain" VALUES(4,'transition','3','["transition","3","2020-11-17","stage.up","breakout:2020-11-13","2020-11-17","1","2","4737a0a03d18ff6306e775577f29787a7971f4dea7aaf424a3c55115cc75de52"]','6efba449173d9f80b7f155171aabe9e0dcc02f8ed3ea4484dd73e71062b99226');
INSERT INTO "chain" VALUES(5,'outcome','1','["outcome","1","2","ETH-USD","30","2020-11-17","480.36000000000001","2020-12-17","642","0.30000000000000004","-9.9999999999999995e-08","2020-12-18T22:30:00.000000Z",null]','e850ea7458bf98bbfb5826e79ff29cad5a0b87aeb84cffe0623f3e2b502c941b');
INSERT INTO "chain" VALUES(6,'outcome','2','["outcome","2","2","ETH-USD","30","2020-11-17","480.36000000000001","2020-12-17","642","0","-9.9999999999999995e-08","2020-12-18T22:30:00.000000Z","1"]','54801e4eca985d4855ca14ac705bcc8c013fac48178eb013bd4bc6c2436401e5');
INSERT INTO "chain" VALUES(7,'correction','1','["correction","1","1","2","2020-11-17T22:30:00.250000Z","9e3ad04802c80058d42545044591cbd5a50ccb64808216a0f4ae56cc56b3c7c2"]','badca0bf2aa09d9a12373e06e8e33f7750093e69db9c544e8708579c97e72c1b');
INSERT INTO "chain" VALUES(8,'verdict','2020-11-18','["verdict","2020-11-18","2020-11-17T22:30:00.250000Z","3","a5bfd561f07049938ca3110be9b210caeb67573838566abd6250442468a8adbd"]','146e4179ad7d4f90e887dd48be443a0f4e46ffe4aeafd879da98d73d652467ed');
CREATE TABLE chart (
	name VARCHAR(64) NOT NULL, 
	through DATE NOT NULL, 
	drawn_at DATETIME NOT NULL, 
	image BLOB NOT NULL, 
	file_id VARCHAR(200), 
	CONSTRAINT pk_chart PRIMARY KEY (name)
);
INSERT INTO "chart" VALUES('"é"','2020-11-17','2020-11-18 06:07:08.000009',X'00FF','"é"');
CREATE TABLE chat (
	id BIGINT NOT NULL, 
	type VARCHAR(16) NOT NULL, 
	subscribed_at DATETIME, 
	gone_at DATETIME, 
	gone_reason VARCHAR(200), 
	thread_id BIGINT, 
	topic_gone_in BIGINT, 
	timezone VARCHAR(64) DEFAULT 'UTC' NOT NULL, 
	language VARCHAR(8), 
	quiet_from INTEGER, 
	quiet_until INTEGER, 
	urgent_through BOOLEAN DEFAULT 0 NOT NULL, 
	pictures BOOLEAN DEFAULT 0 NOT NULL, 
	muted_until DATETIME, 
	loud_kinds BIGINT DEFAULT 137042 NOT NULL, 
	silent_kinds BIGINT DEFAULT 0 NOT NULL, 
	digest VARCHAR(8), 
	digest_hour INTEGER DEFAULT 8 NOT NULL, 
	digest_skips BOOLEAN DEFAULT 0 NOT NULL, 
	digest_due_at DATETIME, 
	digest_on DATE, 
	digest_through DATE, 
	CONSTRAINT pk_chat PRIMARY KEY (id)
);
INSERT INTO "chat" VALUES(7,'"é"','2020-11-18 06:07:08.000009','2020-11-18 06:07:08.000009','"é"',7,7,'"é"','"é"',7,7,1,1,'2020-11-18 06:07:08.000009',7,7,'"é"',7,1,'2020-11-18 06:07:08.000009','2020-11-17','2020-11-17');
CREATE TABLE closure (
	session DATE NOT NULL, 
	closed BOOLEAN NOT NULL, 
	noted_by VARCHAR(16) NOT NULL, 
	noted_at DATETIME NOT NULL, 
	CONSTRAINT pk_closure PRIMARY KEY (session)
);
INSERT INTO "closure" VALUES('2020-11-17',1,'"é"','2020-11-18 06:07:08.000009');
CREATE TABLE delivery (
	id INTEGER NOT NULL, 
	alert_id INTEGER NOT NULL, 
	chat_id BIGINT NOT NULL, 
	urgent BOOLEAN NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	not_before DATETIME NOT NULL, 
	lease_until DATETIME, 
	attempts INTEGER NOT NULL, 
	unknowns INTEGER NOT NULL, 
	message_id BIGINT, 
	finished_at DATETIME, 
	error VARCHAR(500), 
	CONSTRAINT pk_delivery PRIMARY KEY (id), 
	CONSTRAINT fk_delivery_alert_id FOREIGN KEY(alert_id) REFERENCES alert (id), 
	CONSTRAINT uq_delivery_alert_id_chat_id UNIQUE (alert_id, chat_id)
);
INSERT INTO "delivery" VALUES(7,3,7,1,'"é"','2020-11-18 06:07:08.000009','2020-11-18 06:07:08.000009',7,7,7,'2020-11-18 06:07:08.000009','"é"');
CREATE TABLE delivery_count (
	alert_id INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	count BIGINT NOT NULL, 
	CONSTRAINT pk_delivery_count PRIMARY KEY (alert_id, state), 
	CONSTRAINT fk_delivery_count_alert_id FOREIGN KEY(alert_id) REFERENCES alert (id)
);
INSERT INTO "delivery_count" VALUES(3,'"é"',7);
CREATE TABLE fault (
	name VARCHAR(32) NOT NULL, 
	sentence VARCHAR(1000) NOT NULL, 
	since DATETIME NOT NULL, 
	CONSTRAINT pk_fault PRIMARY KEY (name)
);
INSERT INTO "fault" VALUES('"é"','"é"','2020-11-18 06:07:08.000009');
CREATE TABLE heartbeat (
	machine VARCHAR(255) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_heartbeat PRIMARY KEY (machine, role)
);
INSERT INTO "heartbeat" VALUES('"é"','"é"','2020-11-18 06:07:08.000009');
CREATE TABLE market (
	id INTEGER NOT NULL, 
	origin VARCHAR(200) NOT NULL, 
	first_evening_at DATETIME, 
	backfilled_through DATE, 
	next_session DATE, 
	next_decision_at DATETIME, 
	last_closed DATE, 
	waiting VARCHAR(1000), 
	CONSTRAINT pk_market PRIMARY KEY (id)
);
INSERT INTO "market" VALUES(7,'"é"','2020-11-18 06:07:08.000009','2020-11-17','2020-11-17','2020-11-18 06:07:08.000009','2020-11-17','"é"');
CREATE TABLE notice (
	id INTEGER NOT NULL, 
	sentence VARCHAR(1000) NOT NULL, 
	made_at DATETIME NOT NULL, 
	CONSTRAINT pk_notice PRIMARY KEY (id)
);
INSERT INTO "notice" VALUES(7,'"é"','2020-11-18 06:07:08.000009');
CREATE TABLE observation (
	series VARCHAR(32) NOT NULL, 
	observed_on DATE NOT NULL, 
	first_seen_at DATETIME NOT NULL, 
	last_seen_at DATETIME NOT NULL, 
	value FLOAT, 
	open FLOAT, 
	high FLOAT, 
	low FLOAT, 
	adj_close FLOAT, 
	volume FLOAT, 
	dividend FLOAT, 
	split FLOAT, 
	CONSTRAINT pk_observation PRIMARY KEY (series, observed_on, first_seen_at)
);
INSERT INTO "observation" VALUES('"é"','2020-11-17','2020-11-18 06:07:08.000009','2020-11-18 06:07:08.000009',3.33333333333333314829e-01,3.33333333333333314829e-01,3.33333333333333314829e-01,3.33333333333333314829e-01,3.33333333333333314829e-01,3.33333333333333314829e-01,3.33333333333333314829e-01,3.33333333333333314829e-01);
CREATE TABLE outcome (
	id INTEGER NOT NULL, 
	transition_id INTEGER NOT NULL, 
	asset VARCHAR(32) NOT NULL, 
	horizon INTEGER NOT NULL, 
	entry_on DATE NOT NULL, 
	entry_price FLOAT NOT NULL, 
	exit_on DATE NOT NULL, 
	exit_price FLOAT NOT NULL, 
	change FLOAT NOT NULL, 
	worst FLOAT NOT NULL, 
	recorded_at DATETIME NOT NULL, 
	corrects INTEGER, 
	CONSTRAINT pk_outcome PRIMARY KEY (id), 
	CONSTRAINT fk_outcome_corrects FOREIGN KEY(corrects) REFERENCES outcome (id), 
	CONSTRAINT fk_outcome_transition_id FOREIGN KEY(transition_id) REFERENCES transition (id), 
	CONSTRAINT uq_outcome_corrects UNIQUE (corrects)
);
INSERT INTO "outcome" VALUES(1,2,'ETH-USD',30,'2020-11-17',480.36,'2020-12-17',642.0,3.00000000000000044408e-01,-1.0e-07,'2020-12-18 22:30:00.000000',NULL);
INSERT INTO "outcome" VALUES(2,2,'ETH-USD',30,'2020-11-17',480.36,'2020-12-17',642.0,0.0,-1.0e-07,'2020-12-18 22:30:00.000000',1);
CREATE TABLE pause (
	id INTEGER NOT NULL, 
	since DATETIME NOT NULL, 
	CONSTRAINT pk_pause PRIMARY KEY (id)
);
INSERT INTO "pause" VALUES(7,'2020-11-18 06:07:08.000009');
CREATE TABLE post (
	id INTEGER NOT NULL, 
	texts JSON NOT NULL, 
	corrects INTEGER, 
	made_by BIGINT, 
	chat_id BIGINT, 
	made_at DATETIME NOT NULL, 
	alert_id INTEGER, 
	CONSTRAINT pk_post PRIMARY KEY (id), 
	CONSTRAINT fk_post_alert_id FOREIGN KEY(alert_id) REFERENCES alert (id), 
	CONSTRAINT fk_post_corrects FOREIGN KEY(corrects) REFERENCES alert (id), 
	CONSTRAINT uq_post_alert_id UNIQUE (alert_id)
);
INSERT INTO "post" VALUES(1,'{"fr": "Le cours \u00e9tait faux.", "en": "The price was wrong."}',1,11,11,'2020-11-17 22:30:00.250000',2);
INSERT INTO "post" VALUES(2,'{"fr": "Le cours \u00e9tait faux.", "en": "The price was wrong."}',NULL,11,11,'2020-11-17 22:30:00.250000',3);
INSERT INTO "post" VALUES(3,'{"fr": "Le cours \u00e9tait faux.", "en": "The price was wrong."}',1,11,11,'2020-11-17 22:30:00.250000',NULL);
CREATE TABLE received_update (
	update_id BIGINT NOT NULL, 
	chat_id BIGINT NOT NULL, 
	body BLOB, 
	lease_until DATETIME, 
	handled_at DATETIME, 
	CONSTRAINT pk_received_update PRIMARY KEY (update_id)
);
INSERT INTO "received_update" VALUES(7,7,X'00FF','2020-11-18 06:07:08.000009','2020-11-18 06:07:08.000009');
CREATE TABLE restatement (
	series VARCHAR(32) NOT NULL, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_restatement PRIMARY KEY (series, seen_at)
);
INSERT INTO "restatement" VALUES('"é"','2020-11-18 06:07:08.000009');
CREATE TABLE source_check (
	series VARCHAR(32) NOT NULL, 
	checked_at DATETIME NOT NULL, 
	reason VARCHAR(500) NOT NULL, 
	absent BOOLEAN NOT NULL, 
	CONSTRAINT pk_source_check PRIMARY KEY (series)
);
INSERT INTO "source_check" VALUES('"é"','2020-11-18 06:07:08.000009','"é"',1);
CREATE TABLE supersession (
	newer_id INTEGER NOT NULL, 
	older_id INTEGER NOT NULL, 
	CONSTRAINT pk_supersession PRIMARY KEY (newer_id, older_id), 
	CONSTRAINT fk_supersession_newer_id FOREIGN KEY(newer_id) REFERENCES alert (id), 
	CONSTRAINT fk_supersession_older_id FOREIGN KEY(older_id) REFERENCES alert (id)
);
INSERT INTO "supersession" VALUES(2,1);
CREATE TABLE throttle (
	id INTEGER NOT NULL, 
	since DATETIME NOT NULL, 
	until DATETIME NOT NULL, 
	CONSTRAINT pk_throttle PRIMARY KEY (id)
);
INSERT INTO "throttle" VALUES(7,'2020-11-18 06:07:08.000009','2020-11-18 06:07:08.000009');
CREATE TABLE track_record (
	through DATE NOT NULL, 
	method_version VARCHAR(16) NOT NULL, 
	computed_at DATETIME NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_track_record PRIMARY KEY (through)
);
INSERT INTO "track_record" VALUES('2020-11-17','"é"','2020-11-18 06:07:08.000009',X'78018B8E0500011500B9');
CREATE TABLE transition (
	id INTEGER NOT NULL, 
	session DATE NOT NULL, 
	kind VARCHAR(64) NOT NULL, 
	subject VARCHAR(64) NOT NULL, 
	occurred_on DATE NOT NULL, 
	"before" VARCHAR(64) DEFAULT '' NOT NULL, 
	"after" VARCHAR(64) DEFAULT '' NOT NULL, 
	evidence BLOB, 
	CONSTRAINT pk_transition PRIMARY KEY (id), 
	CONSTRAINT fk_transition_session FOREIGN KEY(session) REFERENCES verdict (session), 
	CONSTRAINT uq_transition_subject_kind UNIQUE (subject, kind)
);
INSERT INTO "transition" VALUES(1,'2020-11-13','breakout.attempt','breakout:2020-11-13','2020-11-13','','',NULL);
INSERT INTO "transition" VALUES(2,'2020-11-16','breakout.resumed','breakout:2020-11-13','2020-11-16','','',NULL);
INSERT INTO "transition" VALUES(3,'2020-11-17','stage.up','breakout:2020-11-13','2020-11-17','1','2',X'7801AB562A2ACD4955B252AA50AA05001A9903EB');
CREATE TABLE verdict (
	session DATE NOT NULL, 
	decided_at DATETIME NOT NULL, 
	backfilled BOOLEAN NOT NULL, 
	method_version VARCHAR(16) NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_verdict PRIMARY KEY (session)
);
INSERT INTO "verdict" VALUES('2020-11-13','2020-11-17 22:30:00.250000',1,'3',X'7801AB562A4E2D2ECECCCF53B25232323032D03534D4353456AA05005DD306A3');
INSERT INTO "verdict" VALUES('2020-11-16','2020-11-17 22:30:00.250000',0,'3',X'7801AB562A4E2D2ECECCCF53B25232323032D03534D4353453AA05005DDC06A6');
INSERT INTO "verdict" VALUES('2020-11-17','2020-11-17 22:30:00.250000',0,'3',X'7801AB562A4E2D2ECECCCF53B25232323032D03534D4353457AA05005DDF06A7');
INSERT INTO "verdict" VALUES('2020-11-18','2020-11-17 22:30:00.250000',0,'3',X'7801AB562A4E2D2ECECCCF53B25232323032D03534D435B450AA05005DE206A8');
CREATE TABLE watch (
	id INTEGER NOT NULL, 
	chat_id BIGINT NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	side VARCHAR(8) NOT NULL, 
	level FLOAT NOT NULL, 
	created_at DATETIME NOT NULL, 
	armed BOOLEAN NOT NULL, 
	through DATE NOT NULL, 
	fired_on DATE, 
	CONSTRAINT pk_watch PRIMARY KEY (id), 
	CONSTRAINT uq_watch_chat_id_symbol_side_level UNIQUE (chat_id, symbol, side, level)
);
INSERT INTO "watch" VALUES(7,7,'"é"','"é"',3.33333333333333314829e-01,'2020-11-18 06:07:08.000009',1,'2020-11-17','2020-11-17');
CREATE TABLE watched_symbol (
	symbol VARCHAR(32) NOT NULL, 
	quoted_on DATE, 
	close FLOAT, 
	stopped BOOLEAN NOT NULL, 
	in_table BOOLEAN NOT NULL, 
	CONSTRAINT pk_watched_symbol PRIMARY KEY (symbol)
);
INSERT INTO "watched_symbol" VALUES('"é"','2020-11-17',3.33333333333333314829e-01,1,1);
CREATE INDEX ix_chat_digest ON chat (digest_due_at, id) WHERE digest_due_at IS NOT NULL;
CREATE INDEX ix_chat_recipient ON chat (id) WHERE subscribed_at IS NOT NULL AND gone_at IS NULL;
CREATE INDEX ix_received_update_handled_at ON received_update (handled_at);
CREATE INDEX ix_received_update_open ON received_update (chat_id, update_id) WHERE body IS NOT NULL;
CREATE INDEX ix_watch_alike ON watch (symbol, side, level, armed, through);
CREATE INDEX ix_transition_session ON transition (session);
CREATE INDEX ix_delivery_held ON delivery (not_before) WHERE state = 'held';
CREATE INDEX ix_delivery_sending ON delivery (lease_until) WHERE state = 'sending';
CREATE INDEX ix_outcome_transition_id ON outcome (transition_id);
CREATE UNIQUE INDEX uq_outcome_first ON outcome (transition_id, asset, horizon) WHERE corrects IS NULL;
CREATE INDEX ix_supersession_older_id ON supersession (older_id);
CREATE INDEX ix_delivery_queue ON delivery (urgent DESC, (chat_id > 0), alert_id, id) WHERE state = 'queued';
CREATE INDEX ix_board_chat_id ON board (chat_id);
CREATE UNIQUE INDEX uq_board_current ON board (chat_id) WHERE step NOT IN ('unpin', 'farewell');
CREATE INDEX ix_board_queue ON board (shows, (chat_id > 0), id) WHERE state = 'queued';
CREATE INDEX ix_board_held ON board (not_before) WHERE state = 'held';
CREATE INDEX ix_board_sending ON board (lease_until) WHERE state = 'sending';
COMMIT;
