<?php
// What a user of PHP would put in Cardkeep's place: PHP-FPM and its pgsql extension, calling the same
// stored functions, over a connection that each process keeps. CK_CONNINFO says where.
declare(strict_types=1);

const BUSY_US = 5000;
const BUSY_TRIES = 1000;
const FUNCTIONS = [
	'read_card' => '$1, $2',
	'create_card' => '$1, $2, null, row($3::text, $4::text, $5::jsonb, $6::jsonb, $7::boolean)',
	'update_card' => '$1, $2, $3, $4, row($5::text, $6::text, $7::jsonb, $8::jsonb, $9::boolean)',
	'save_own_profile' => '\'personal_info\', $1, $2, $3, $4',
];

function finish(int $status, string $body, int $version = 0): never
{
	http_response_code($status);
	header('Content-Type: application/json');
	if ($version > 0)
		header("ETag: \"$version\"");
	echo $body;
	exit;
}

function token_hash(): string
{
	if (!preg_match('/^Bearer ck_([\w-]{43})$/', $_SERVER['HTTP_AUTHORIZATION'] ?? '', $found))
		finish(401, '{"error":"no token"}');
	return '\x' . hash('sha256', base64_decode(strtr($found[1], '-_', '+/')));
}

function random_uuid(): string
{
	$hex = bin2hex(random_bytes(16));
	$hex[12] = '4';
	$hex[16] = '89ab'[random_int(0, 3)];
	return preg_replace('/^(.{8})(.{4})(.{4})(.{4})/', '$1-$2-$3-$4-', $hex);
}

// The statement stays prepared for as long as the process keeps its connection.
function ask(string $name, array $values): array
{
	$db = pg_pconnect(getenv('CK_CONNINFO'));
	$result = @pg_execute($db, $name, $values);
	if ($result === false) {
		$arguments = FUNCTIONS[$name];
		@pg_prepare($db, $name, "select status, version, body from cardkeep_api.$name($arguments)");
		$result = pg_execute($db, $name, $values);
	}
	if ($result === false)
		finish(500, '{"error":"the database refused"}');
	return pg_fetch_assoc($result);
}

// Calls until nobody else holds the row (423): the functions never wait.
function answer(string $name, mixed ...$values): never
{
	array_unshift($values, token_hash());
	for ($tries = 1; ; $tries++) {
		$row = ask($name, $values);
		$status = (int) $row['status'];
		if ($status !== 423)
			finish($status, $row['body'], (int) $row['version']);
		if ($tries === BUSY_TRIES)
			finish(503, '{"error":"busy"}');
		usleep(BUSY_US);
	}
}

function body(array $fields, string $required): array
{
	$body = json_decode(file_get_contents('php://input'), true);
	if (!is_array($body) || !isset($body[$required]) || array_diff_key($body, array_flip($fields)))
		finish(400, '{"error":"not a body for this"}');
	return $body;
}

function card_values(array $body): array
{
	$document = fn(string $name) => isset($body[$name]) ? json_encode((object) $body[$name]) : null;
	$public = isset($body['is_public']) ? ($body['is_public'] ? 't' : 'f') : null;
	return [$body['template_type'] ?? null, $document('fields_config'), $document('design_config'), $public];
}

const CARD = ['name', 'template_type', 'fields_config', 'design_config', 'is_public', 'version'];
const PROFILE = ['full_name', 'primary_phone', 'version'];

$asked = $_SERVER['REQUEST_METHOD'] . ' ' . parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($asked === 'POST /api/cards') {
	$body = body(CARD, 'name');
	answer('create_card', random_uuid(), $body['name'], ...card_values($body));
} elseif ($asked === 'PATCH /api/profile/personal') {
	$body = body(PROFILE, 'version');
	$patch = array_diff_key($body, ['version' => 0]);
	answer('save_own_profile', random_uuid(), '{' . (int) $body['version'] . '}', json_encode((object) $patch));
} elseif (preg_match('#^(GET|PATCH) /api/cards/([0-9a-f-]{36})$#', $asked, $found)) {
	if ($found[1] === 'GET')
		answer('read_card', $found[2]);
	$body = body(CARD, 'version');
	answer('update_card', random_uuid(), $found[2], '{' . (int) $body['version'] . '}',
		$body['name'] ?? null, ...card_values($body));
}
finish(404, '{"error":"not found"}');
