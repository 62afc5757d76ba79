namespace Vernier.Cli.Terminal;

/// <summary>The command is wrong, in itself or for the model that it names: exit status 2. What files hold is no such fault.</summary>
internal sealed class UsageException(string message) : Exception(message);
