CREATE TABLE article_categories (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    parent_id BLOB,
    description TEXT,
    sort_order INTEGER NOT NULL,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES article_categories (tenant_id, id)
);
CREATE INDEX article_categories_name ON article_categories (tenant_id, name, sort_order, created_at, id);
CREATE INDEX article_categories_parent_id ON article_categories (tenant_id, parent_id, sort_order, created_at, id) WHERE parent_id IS NOT NULL;
CREATE INDEX article_categories_sort_order ON article_categories (tenant_id, sort_order, created_at, id);
CREATE INDEX article_categories_created_at ON article_categories (tenant_id, created_at, id);
CREATE INDEX article_categories_updated_at ON article_categories (tenant_id, updated_at, id);
CREATE INDEX article_categories_archived_at ON article_categories (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE articles (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    title TEXT NOT NULL,
    number TEXT NOT NULL,
    summary TEXT,
    language TEXT NOT NULL,
    translation_of_id BLOB,
    category_id BLOB,
    visibility TEXT NOT NULL,
    status TEXT NOT NULL,
    submitted_at INTEGER,
    published_version INTEGER,
    published_at INTEGER,
    helpful_count INTEGER NOT NULL,
    unhelpful_count INTEGER NOT NULL,
    owner_id BLOB,
    team_id BLOB,
    tag_ids TEXT NOT NULL,
    external_ids TEXT NOT NULL,
    custom TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, translation_of_id) REFERENCES articles (tenant_id, id),
    FOREIGN KEY (tenant_id, category_id) REFERENCES article_categories (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE UNIQUE INDEX articles_number_key ON articles (tenant_id, number) WHERE archived_at IS NULL;
CREATE UNIQUE INDEX articles_translation_key ON articles (tenant_id, translation_of_id, language) WHERE archived_at IS NULL AND translation_of_id IS NOT NULL;
CREATE INDEX articles_number ON articles (tenant_id, number, created_at, id);
CREATE INDEX articles_language ON articles (tenant_id, language, created_at, id);
CREATE INDEX articles_translation_of_id ON articles (tenant_id, translation_of_id, created_at, id) WHERE translation_of_id IS NOT NULL;
CREATE INDEX articles_category_id ON articles (tenant_id, category_id, created_at, id) WHERE category_id IS NOT NULL;
CREATE INDEX articles_visibility ON articles (tenant_id, visibility, created_at, id);
CREATE INDEX articles_status ON articles (tenant_id, status, created_at, id);
CREATE INDEX articles_published_at ON articles (tenant_id, published_at, created_at, id) WHERE published_at IS NOT NULL;
CREATE INDEX articles_owner_id ON articles (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX articles_team_id ON articles (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX articles_created_at ON articles (tenant_id, created_at, id);
CREATE INDEX articles_updated_at ON articles (tenant_id, updated_at, id);
CREATE INDEX articles_archived_at ON articles (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- What was published.
CREATE TABLE article_versions (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    article_id BLOB NOT NULL,
    original_id BLOB NOT NULL,
    number INTEGER NOT NULL,
    article_number TEXT,
    title TEXT NOT NULL,
    summary TEXT,
    language TEXT NOT NULL,
    category_id BLOB,
    visibility TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    ended_at INTEGER,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, article_id) REFERENCES articles (tenant_id, id),
    FOREIGN KEY (tenant_id, original_id) REFERENCES articles (tenant_id, id),
    FOREIGN KEY (tenant_id, category_id) REFERENCES article_categories (tenant_id, id)
);
-- Readers get one version of an article.
CREATE UNIQUE INDEX article_versions_current_key ON article_versions (tenant_id, article_id) WHERE ended_at IS NULL;
CREATE INDEX article_versions_current ON article_versions (tenant_id, visibility, created_at, id) WHERE ended_at IS NULL AND archived_at IS NULL;
CREATE INDEX article_versions_article_id ON article_versions (tenant_id, article_id, created_at, id);
CREATE INDEX article_versions_original_id ON article_versions (tenant_id, original_id, created_at, id);
CREATE INDEX article_versions_category_id ON article_versions (tenant_id, category_id, created_at, id) WHERE category_id IS NOT NULL;
CREATE INDEX article_versions_visibility ON article_versions (tenant_id, visibility, created_at, id);
CREATE INDEX article_versions_published_at ON article_versions (tenant_id, published_at, created_at, id);
CREATE INDEX article_versions_ended_at ON article_versions (tenant_id, ended_at, created_at, id) WHERE ended_at IS NOT NULL;
CREATE INDEX article_versions_created_at ON article_versions (tenant_id, created_at, id);
CREATE INDEX article_versions_updated_at ON article_versions (tenant_id, updated_at, id);
CREATE INDEX article_versions_archived_at ON article_versions (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE help_centers (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    token TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    language TEXT,
    allowed_origins TEXT NOT NULL,
    takes_votes INTEGER NOT NULL,
    votes_per_minute INTEGER NOT NULL,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX help_centers_token ON help_centers (token);
CREATE INDEX help_centers_name ON help_centers (tenant_id, name, created_at, id);
CREATE INDEX help_centers_created_at ON help_centers (tenant_id, created_at, id);
CREATE INDEX help_centers_updated_at ON help_centers (tenant_id, updated_at, id);
CREATE INDEX help_centers_archived_at ON help_centers (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- What each reader said last: a digest of who they are, and whether it helped.
CREATE TABLE article_votes (
    tenant_id BLOB NOT NULL,
    article_id BLOB NOT NULL,
    voter BLOB NOT NULL,
    is_helpful INTEGER NOT NULL,
    voted_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, article_id, voter),
    FOREIGN KEY (tenant_id, article_id) REFERENCES articles (tenant_id, id)
) WITHOUT ROWID;

ALTER TABLE tickets ADD COLUMN article_ids TEXT NOT NULL DEFAULT '[]';

CREATE TABLE ticket_articles (
    tenant_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    article_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, article_id, ticket_id),
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets (tenant_id, id),
    FOREIGN KEY (tenant_id, article_id) REFERENCES articles (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX ticket_articles_ticket ON ticket_articles (tenant_id, ticket_id);
