CREATE TABLE article_categories (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    parent_id uuid,
    description text COLLATE "C",
    sort_order bigint NOT NULL,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    title text COLLATE "C" NOT NULL,
    number text COLLATE "C" NOT NULL,
    summary text COLLATE "C",
    language text COLLATE "C" NOT NULL,
    translation_of_id uuid,
    category_id uuid,
    visibility text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    submitted_at timestamptz,
    published_version bigint,
    published_at timestamptz,
    helpful_count bigint NOT NULL,
    unhelpful_count bigint NOT NULL,
    owner_id uuid,
    team_id uuid,
    tag_ids json NOT NULL,
    external_ids json NOT NULL,
    custom json NOT NULL,
    details json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    article_id uuid NOT NULL,
    original_id uuid NOT NULL,
    number bigint NOT NULL,
    article_number text COLLATE "C",
    title text COLLATE "C" NOT NULL,
    summary text COLLATE "C",
    language text COLLATE "C" NOT NULL,
    category_id uuid,
    visibility text COLLATE "C" NOT NULL,
    published_at timestamptz NOT NULL,
    ended_at timestamptz,
    details json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    token text COLLATE "C" NOT NULL,
    is_active boolean NOT NULL,
    language text COLLATE "C",
    allowed_origins json NOT NULL,
    takes_votes boolean NOT NULL,
    votes_per_minute bigint NOT NULL,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    article_id uuid NOT NULL,
    voter bytea NOT NULL,
    is_helpful boolean NOT NULL,
    voted_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, article_id, voter),
    FOREIGN KEY (tenant_id, article_id) REFERENCES articles (tenant_id, id)
);

ALTER TABLE tickets ADD COLUMN article_ids json NOT NULL DEFAULT '[]';

CREATE TABLE ticket_articles (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    article_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, article_id, ticket_id),
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets (tenant_id, id),
    FOREIGN KEY (tenant_id, article_id) REFERENCES articles (tenant_id, id)
);
CREATE INDEX ticket_articles_ticket ON ticket_articles (tenant_id, ticket_id);
