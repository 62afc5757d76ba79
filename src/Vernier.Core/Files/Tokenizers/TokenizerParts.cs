using Vernier.Files.Tokenizers.AddedTokens;
using Vernier.Files.Tokenizers.Decoders;
using Vernier.Files.Tokenizers.Models;
using Vernier.Files.Tokenizers.Normalizers;
using Vernier.Files.Tokenizers.PreTokenizers;

namespace Vernier.Files.Tokenizers;

/// <summary>What the files of a tokenizer say.</summary>
internal sealed record TokenizerParts(
    BytePairModel Model,
    NormalizerChain Normalizer,
    IReadOnlyList<IPreTokenizer> PreTokenizers,
    IReadOnlyList<DecoderStep> Decoders,
    IReadOnlyList<AddedToken> AddedTokens,
    SpecialTokenTemplate Template,
    int? BosId,
    int? EosId,
    IReadOnlyList<string> NotUnderstood);
