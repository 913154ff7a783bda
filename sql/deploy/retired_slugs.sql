-- Deploy cardkeep:retired_slugs to pg
--
-- A printed code must never lead to a stranger: the slug of a deleted card, or one that direct SQL
-- took from a card, is never given again. Words that paths, people or machines may mean in another
-- way are retired from the start. `card` is not among them: it is what an empty name becomes.

begin;

set local role cardkeep_owner;

create table cardkeep.retired_slugs (
	slug text primary key,
	card_id uuid,
	user_id uuid references cardkeep.users on delete set null,
	retired_at timestamptz not null default clock_timestamp(),
	constraint retired_slugs_card_unique unique (card_id)
);
create index retired_slugs_user on cardkeep.retired_slugs (user_id);
comment on table cardkeep.retired_slugs is 'Slugs that are never given again';
comment on column cardkeep.retired_slugs.card_id is 'The deleted card, whose id is never given again either; null for reserved and replaced slugs';
comment on column cardkeep.retired_slugs.user_id is 'Whose card it was; null for reserved words and deleted accounts';

insert into cardkeep.retired_slugs (slug)
select unnest(array[
	'about', 'abuse', 'account', 'accounts', 'admin', 'administrator', 'api', 'app', 'apps',
	'assets', 'auth', 'billing', 'blog', 'c', 'cardkeep', 'cards', 'contact', 'create', 'css',
	'dashboard', 'delete', 'demo', 'dev', 'docs', 'download', 'edit', 'email', 'error', 'errors',
	'explore', 'faq', 'favicon', 'favicon-ico', 'files', 'fonts', 'forgot-password', 'health',
	'healthz', 'help', 'history', 'home', 'hostmaster', 'images', 'img', 'index', 'info', 'invite',
	'js', 'legal', 'livez', 'login', 'logout', 'mail', 'manifest', 'me', 'metrics', 'new', 'news',
	'null', 'oauth', 'password', 'postmaster', 'pricing', 'privacy', 'profile', 'profiles', 'public',
	'readyz', 'register', 'reset', 'reset-password', 'rest', 'revert', 'robots', 'robots-txt', 'root',
	'rpc', 'search', 'security', 'service-worker', 'session', 'sessions', 'settings', 'sign-in',
	'sign-out', 'sign-up', 'signin', 'signout', 'signup', 'sitemap', 'sitemap-xml', 'static', 'status',
	'status-json', 'support', 'system', 'terms', 'test', 'undefined', 'unsubscribe', 'user', 'users',
	'v1', 'v2', 'verify', 'web', 'webmaster', 'well-known', 'www']);

commit;
