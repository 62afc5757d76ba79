namespace Vernier.Tests;

/// <summary>A type of one folder that a file of another uses, itself or a member of it.</summary>
/// <param name="From">The folder of the file.</param>
/// <param name="To">The folder that declares the type.</param>
/// <param name="File">The file.</param>
/// <param name="Type">The type.</param>
internal sealed record FolderUse(string From, string To, string File, string Type);
